import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.GlobalWindows;
import org.apache.flink.streaming.api.windowing.windows.GlobalWindow;
import org.apache.flink.util.Collector;

/** Queries 4, 18 and 19: their answer is what they say in the end. */
final class PerAuction {
  /** An auction or a bid, as query 4 needs it. */
  public static final class Entry {
    public boolean isAuction;
    public long auction;
    public long at;
    /** Of an auction. */
    public long category;
    public long expires;
    /** Of a bid. */
    public long price;
  }

  /** A category and the price of a winning bid. */
  public static final class Final {
    public long category;
    public long price;
  }

  public static final class Mean {
    public long sum;
    public long count;
  }

  /** The best bid of an auction, once it is over. Bids may come before their auction. */
  private static final class WinningBids extends KeyedProcessFunction<Long, Entry, Final> {
    private transient ValueState<Entry> auction;
    private transient ValueState<Long> best;
    private transient ListState<Entry> waiting;

    @Override
    public void open(OpenContext context) {
      auction = getRuntimeContext().getState(new ValueStateDescriptor<>("auction", Types.POJO(Entry.class)));
      best = getRuntimeContext().getState(new ValueStateDescriptor<>("best", Types.LONG));
      waiting = getRuntimeContext().getListState(new ListStateDescriptor<>("waiting", Types.POJO(Entry.class)));
    }

    @Override
    public void processElement(Entry entry, Context context, Collector<Final> out) throws Exception {
      if (entry.isAuction) {
        auction.update(entry);
        for (Entry bid : waiting.get()) bid(entry, bid);
        waiting.clear();
        context.timerService().registerEventTimeTimer(entry.expires);
        return;
      }
      Entry open = auction.value();
      if (open != null) bid(open, entry);
      else {
        waiting.add(entry);
        // An auction that has not come once event time is at a bid for it begins after the bid.
        context.timerService().registerEventTimeTimer(entry.at);
      }
    }

    private void bid(Entry open, Entry bid) throws Exception {
      if (bid.at < open.at || bid.at > open.expires) return;
      Long before = best.value();
      if (before == null || bid.price > before) best.update(bid.price);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Final> out) throws Exception {
      Entry open = auction.value();
      if (open == null) {
        List<Entry> later = new ArrayList<>();
        for (Entry bid : waiting.get()) if (bid.at > timestamp) later.add(bid);
        waiting.update(later);
        return;
      }
      if (timestamp != open.expires) return;
      Long price = best.value();
      auction.clear();
      best.clear();
      if (price == null) return;
      Final winning = new Final();
      winning.category = open.category;
      winning.price = price;
      out.collect(winning);
    }
  }

  private static final class Average implements AggregateFunction<Final, Mean, Mean> {
    public Mean createAccumulator() {
      return new Mean();
    }

    public Mean add(Final winning, Mean mean) {
      mean.sum += winning.price;
      mean.count++;
      return mean;
    }

    public Mean getResult(Mean mean) {
      return mean;
    }

    public Mean merge(Mean a, Mean b) {
      a.sum += b.sum;
      a.count += b.count;
      return a;
    }
  }

  static DataStream<String> averagePriceForCategory(DataStream<Event> events) {
    FlatMapFunction<Event, Entry> entries =
        (event, out) -> {
          Entry entry = new Entry();
          entry.at = event.dateTime;
          if (event instanceof Event.Auction auction) {
            entry.isAuction = true;
            entry.auction = auction.id;
            entry.category = auction.category;
            entry.expires = auction.expires;
          } else if (event instanceof Event.Bid bid) {
            entry.auction = bid.auction;
            entry.price = bid.price;
          } else return;
          out.collect(entry);
        };
    WindowFunction<Mean, String, Long, GlobalWindow> row =
        (category, window, means, out) -> {
          Mean mean = means.iterator().next();
          out.collect(new Json().put("id", category).put("final", mean.sum / mean.count).toString());
        };
    return events
        .flatMap(entries)
        .returns(Entry.class)
        .keyBy(entry -> entry.auction)
        .process(new WinningBids())
        .keyBy(winning -> winning.category)
        .window(GlobalWindows.create())
        .trigger(new AtTheEnd())
        .aggregate(new Average(), row, Types.POJO(Mean.class), Types.STRING);
  }

  static DataStream<String> lastBid(DataStream<Event.Bid> bids) {
    return bids
        .keyBy(bid -> Tuple2.of(bid.bidder, bid.auction), Types.TUPLE(Types.LONG, Types.LONG))
        .window(GlobalWindows.create())
        .trigger(new AtTheEnd())
        .reduce((a, b) -> isLater(b, a) ? b : a)
        .map(
            bid ->
                new Json()
                    .put("auction", bid.auction)
                    .put("bidder", bid.bidder)
                    .put("price", bid.price)
                    .put("channel", bid.channel)
                    .put("url", bid.url)
                    .put("date_time", bid.dateTime)
                    .put("extra", bid.extra)
                    .toString());
  }

  private static boolean isLater(Event.Bid a, Event.Bid b) {
    if (a.dateTime != b.dateTime) return a.dateTime > b.dateTime;
    if (a.price != b.price) return a.price > b.price;
    return a.extra.compareTo(b.extra) > 0;
  }

  private static boolean isHigher(Event.Bid a, Event.Bid b) {
    if (a.price != b.price) return a.price > b.price;
    if (a.dateTime != b.dateTime) return a.dateTime > b.dateTime;
    return a.extra.compareTo(b.extra) > 0;
  }

  /** The ten highest, the highest first. */
  private static final class Highest implements AggregateFunction<Event.Bid, List<Event.Bid>, List<Event.Bid>> {
    private static final int MOST = 10;

    public List<Event.Bid> createAccumulator() {
      return new ArrayList<>(MOST + 1);
    }

    public List<Event.Bid> add(Event.Bid bid, List<Event.Bid> top) {
      int at = top.size();
      while (at > 0 && isHigher(bid, top.get(at - 1))) at--;
      if (at == MOST) return top;
      top.add(at, bid);
      if (top.size() > MOST) top.remove(MOST);
      return top;
    }

    public List<Event.Bid> getResult(List<Event.Bid> top) {
      return top;
    }

    public List<Event.Bid> merge(List<Event.Bid> a, List<Event.Bid> b) {
      for (Event.Bid bid : b) add(bid, a);
      return a;
    }
  }

  static DataStream<String> topTen(DataStream<Event.Bid> bids) {
    TypeInformation<List<Event.Bid>> lists = Types.LIST(Types.POJO(Event.Bid.class));
    FlatMapFunction<List<Event.Bid>, String> rows =
        (top, out) -> {
          for (int i = 0; i < top.size(); i++) {
            Event.Bid bid = top.get(i);
            out.collect(
                new Json()
                    .put("auction", bid.auction)
                    .put("bidder", bid.bidder)
                    .put("price", bid.price)
                    .put("channel", bid.channel)
                    .put("url", bid.url)
                    .put("date_time", bid.dateTime)
                    .put("extra", bid.extra)
                    .put("rank_number", i + 1)
                    .toString());
          }
        };
    return bids
        .keyBy(bid -> bid.auction)
        .window(GlobalWindows.create())
        .trigger(new AtTheEnd())
        .aggregate(new Highest(), lists, lists)
        .flatMap(rows)
        .returns(Types.STRING);
  }
}
