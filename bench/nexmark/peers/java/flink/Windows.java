import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Queries 5, 7, 11 and 12: windows of event time. What goes to another task is what is needed there alone. */
final class Windows {
  private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

  /** How many bids there are of a key in a window. */
  public static final class Counted {
    public long key;
    public long num;
    public long start;
    public long end;
  }

  /** A bid as query 7 shows it. */
  public static final class Offer {
    public long auction;
    public long price;
    public long bidder;
    public long dateTime;
    public String extra;
  }

  private static final class Count implements AggregateFunction<Long, Long, Long> {
    public Long createAccumulator() {
      return 0L;
    }

    public Long add(Long key, Long count) {
      return count + 1;
    }

    public Long getResult(Long count) {
      return count;
    }

    public Long merge(Long a, Long b) {
      return a + b;
    }
  }

  private static final class WithWindow implements WindowFunction<Long, Counted, Long, TimeWindow> {
    public void apply(Long key, TimeWindow window, Iterable<Long> counts, Collector<Counted> out) {
      Counted counted = new Counted();
      counted.key = key;
      counted.num = counts.iterator().next();
      counted.start = window.getStart();
      counted.end = window.getEnd();
      out.collect(counted);
    }
  }

  /** All that have the most of a number. */
  private abstract static class AllHighest<T> implements AggregateFunction<T, List<T>, List<T>> {
    abstract long by(T value);

    public List<T> createAccumulator() {
      return new ArrayList<>();
    }

    public List<T> add(T value, List<T> highest) {
      long more = highest.isEmpty() ? 0 : by(value) - by(highest.get(0));
      if (more > 0) highest.clear();
      if (more >= 0) highest.add(value);
      return highest;
    }

    public List<T> getResult(List<T> highest) {
      return highest;
    }

    public List<T> merge(List<T> a, List<T> b) {
      for (T value : b) add(value, a);
      return a;
    }
  }

  private static final class MostBids extends AllHighest<Counted> {
    long by(Counted counted) {
      return counted.num;
    }
  }

  private static final class HighestPrice extends AllHighest<Offer> {
    long by(Offer offer) {
      return offer.price;
    }
  }

  static DataStream<String> hotItems(DataStream<Event.Bid> bids) {
    TypeInformation<List<Counted>> lists = Types.LIST(Types.POJO(Counted.class));
    FlatMapFunction<List<Counted>, String> rows =
        (hottest, out) -> {
          for (Counted item : hottest)
            out.collect(
                new Json()
                    .put("auction", item.key)
                    .put("num", item.num)
                    .put("window_start", item.start)
                    .put("window_end", item.end)
                    .toString());
        };
    return counted(
            bids.map(bid -> bid.auction), SlidingEventTimeWindows.of(TEN_SECONDS, Duration.ofSeconds(2)))
        // A window's counts happen just before its end: those of one ten seconds, and of no other, fall into these two.
        .windowAll(TumblingEventTimeWindows.of(Duration.ofSeconds(2)))
        .aggregate(new MostBids(), lists, lists)
        .flatMap(rows)
        .returns(Types.STRING);
  }

  static DataStream<String> highestBid(DataStream<Event.Bid> bids) {
    TypeInformation<List<Offer>> lists = Types.LIST(Types.POJO(Offer.class));
    FlatMapFunction<List<Offer>, String> rows =
        (highest, out) -> {
          for (Offer offer : highest)
            out.collect(
                new Json()
                    .put("auction", offer.auction)
                    .put("price", offer.price)
                    .put("bidder", offer.bidder)
                    .put("date_time", offer.dateTime)
                    .put("extra", offer.extra)
                    .toString());
        };
    return bids.map(Windows::offerOf)
        .windowAll(TumblingEventTimeWindows.of(TEN_SECONDS))
        .aggregate(new HighestPrice(), lists, lists)
        .flatMap(rows)
        .returns(Types.STRING);
  }

  private static Offer offerOf(Event.Bid bid) {
    Offer offer = new Offer();
    offer.auction = bid.auction;
    offer.price = bid.price;
    offer.bidder = bid.bidder;
    offer.dateTime = bid.dateTime;
    offer.extra = bid.extra;
    return offer;
  }

  static DataStream<String> userSessions(DataStream<Event.Bid> bids) {
    // Flink joins windows that touch each other, and a bid ten seconds after the one before is to begin a new session.
    return counted(bids.map(bid -> bid.bidder), EventTimeSessionWindows.withGap(TEN_SECONDS.minusMillis(1)))
        .map(session -> bidderRow(session, session.end + 1));
  }

  static DataStream<String> bidsOfUsers(DataStream<Event.Bid> bids) {
    return counted(bids.map(bid -> bid.bidder), TumblingEventTimeWindows.of(TEN_SECONDS))
        .map(counted -> bidderRow(counted, counted.end));
  }

  private static DataStream<Counted> counted(DataStream<Long> keys, WindowAssigner<Object, TimeWindow> windows) {
    return keys.keyBy(key -> key).window(windows).aggregate(new Count(), new WithWindow());
  }

  private static String bidderRow(Counted counted, long end) {
    return new Json()
        .put("bidder", counted.key)
        .put("bid_count", counted.num)
        .put("starttime", counted.start)
        .put("endtime", end)
        .toString();
  }
}
