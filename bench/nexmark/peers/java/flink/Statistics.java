import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.windowing.AllWindowFunction;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;

/** Queries 15, 16 and 17: what is counted of a day, in three ranks of price. */
final class Statistics {
  private static final Duration DAY = Duration.ofDays(1);
  private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("HH:mm").withZone(ZoneOffset.UTC);

  /** Of a bid, what the reports need. */
  public static final class Offer {
    public long auction;
    public long bidder;
    public long price;
    public String channel;
    public long dateTime;
  }

  /** How many bids there are, and who takes part in bids of which ranks: a bit of the mask for each. */
  public static final class Counts {
    public long bids;
    public long rank1;
    public long rank2;
    public long rank3;
    public long last;
    public Map<Long, Integer> bidders = new HashMap<>();
    public Map<Long, Integer> auctions = new HashMap<>();
  }

  private static final TypeInformation<Counts> COUNTS =
      Types.POJO(
          Counts.class,
          Map.of(
              "bids", Types.LONG,
              "rank1", Types.LONG,
              "rank2", Types.LONG,
              "rank3", Types.LONG,
              "last", Types.LONG,
              "bidders", Types.MAP(Types.LONG, Types.INT),
              "auctions", Types.MAP(Types.LONG, Types.INT)));

  private static final class Count implements AggregateFunction<Offer, Counts, Counts> {
    public Counts createAccumulator() {
      return new Counts();
    }

    public Counts add(Offer offer, Counts counts) {
      int rank = rankOf(offer.price);
      counts.bids++;
      if (rank == 1) counts.rank1++;
      else if (rank == 2) counts.rank2++;
      else counts.rank3++;
      counts.last = Math.max(counts.last, offer.dateTime);
      counts.bidders.merge(offer.bidder, 1 << rank, (a, b) -> a | b);
      counts.auctions.merge(offer.auction, 1 << rank, (a, b) -> a | b);
      return counts;
    }

    public Counts getResult(Counts counts) {
      return counts;
    }

    public Counts merge(Counts a, Counts b) {
      a.bids += b.bids;
      a.rank1 += b.rank1;
      a.rank2 += b.rank2;
      a.rank3 += b.rank3;
      a.last = Math.max(a.last, b.last);
      b.bidders.forEach((id, ranks) -> a.bidders.merge(id, ranks, (x, y) -> x | y));
      b.auctions.forEach((id, ranks) -> a.auctions.merge(id, ranks, (x, y) -> x | y));
      return a;
    }
  }

  /** The bids and prices of an auction. */
  public static final class Prices {
    public long bids;
    public long rank1;
    public long rank2;
    public long rank3;
    public long least = Long.MAX_VALUE;
    public long most = Long.MIN_VALUE;
    public long sum;
  }

  private static final class Price implements AggregateFunction<Offer, Prices, Prices> {
    public Prices createAccumulator() {
      return new Prices();
    }

    public Prices add(Offer offer, Prices prices) {
      int rank = rankOf(offer.price);
      prices.bids++;
      if (rank == 1) prices.rank1++;
      else if (rank == 2) prices.rank2++;
      else prices.rank3++;
      prices.least = Math.min(prices.least, offer.price);
      prices.most = Math.max(prices.most, offer.price);
      prices.sum += offer.price;
      return prices;
    }

    public Prices getResult(Prices prices) {
      return prices;
    }

    public Prices merge(Prices a, Prices b) {
      a.bids += b.bids;
      a.rank1 += b.rank1;
      a.rank2 += b.rank2;
      a.rank3 += b.rank3;
      a.least = Math.min(a.least, b.least);
      a.most = Math.max(a.most, b.most);
      a.sum += b.sum;
      return a;
    }
  }

  static DataStream<String> ofDays(DataStream<Event.Bid> bids) {
    AllWindowFunction<Counts, String, TimeWindow> row =
        (window, all, out) ->
            out.collect(put(all.iterator().next(), new Json().put("day", day(window.getStart()))).toString());
    return bids.map(Statistics::offerOf)
        .windowAll(TumblingEventTimeWindows.of(DAY))
        .aggregate(new Count(), row, COUNTS, Types.STRING);
  }

  static DataStream<String> ofChannels(DataStream<Event.Bid> bids) {
    WindowFunction<Counts, String, String, TimeWindow> row =
        (channel, window, all, out) -> {
          Counts counts = all.iterator().next();
          Json json =
              new Json()
                  .put("channel", channel)
                  .put("day", day(window.getStart()))
                  .put("minute", MINUTE.format(Instant.ofEpochMilli(counts.last)));
          out.collect(put(counts, json).toString());
        };
    return bids.map(Statistics::offerOf)
        .keyBy(offer -> offer.channel)
        .window(TumblingEventTimeWindows.of(DAY))
        .aggregate(new Count(), row, COUNTS, Types.STRING);
  }

  static DataStream<String> ofAuctions(DataStream<Event.Bid> bids) {
    WindowFunction<Prices, String, Long, TimeWindow> row =
        (auction, window, all, out) -> {
          Prices prices = all.iterator().next();
          out.collect(
              new Json()
                  .put("auction", auction)
                  .put("day", day(window.getStart()))
                  .put("total_bids", prices.bids)
                  .put("rank1_bids", prices.rank1)
                  .put("rank2_bids", prices.rank2)
                  .put("rank3_bids", prices.rank3)
                  .put("min_price", prices.least)
                  .put("max_price", prices.most)
                  .put("avg_price", prices.sum / prices.bids)
                  .put("sum_price", prices.sum)
                  .toString());
        };
    return bids.map(Statistics::offerOf)
        .keyBy(offer -> offer.auction)
        .window(TumblingEventTimeWindows.of(DAY))
        .aggregate(new Price(), row, Types.POJO(Prices.class), Types.STRING);
  }

  private static Json put(Counts counts, Json json) {
    json.put("total_bids", counts.bids)
        .put("rank1_bids", counts.rank1)
        .put("rank2_bids", counts.rank2)
        .put("rank3_bids", counts.rank3);
    put("bidders", counts.bidders, json);
    put("auctions", counts.auctions, json);
    return json;
  }

  private static void put(String name, Map<Long, Integer> participants, Json json) {
    long[] ofRank = new long[4];
    for (int ranks : participants.values())
      for (int rank = 1; rank <= 3; rank++) if ((ranks & 1 << rank) != 0) ofRank[rank]++;
    json.put("total_" + name, participants.size());
    for (int rank = 1; rank <= 3; rank++) json.put("rank" + rank + "_" + name, ofRank[rank]);
  }

  private static Offer offerOf(Event.Bid bid) {
    Offer offer = new Offer();
    offer.auction = bid.auction;
    offer.bidder = bid.bidder;
    offer.price = bid.price;
    offer.channel = bid.channel;
    offer.dateTime = bid.dateTime;
    return offer;
  }

  private static int rankOf(long price) {
    return price < 10_000 ? 1 : price < 1_000_000 ? 2 : 3;
  }

  private static String day(long instant) {
    return DATE.format(Instant.ofEpochMilli(instant));
  }
}
