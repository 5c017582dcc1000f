import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;

/** Queries 0, 1, 2, 14, 21 and 22: one bid at a time. */
final class Stateless {
  private static final Map<String, String> KNOWN = Map.of("apple", "0", "google", "1", "facebook", "2", "baidu", "3");
  private static final Pattern CHANNEL_ID = Pattern.compile("(?:&|^)channel_id=([^&]*)");

  static DataStream<String> passThrough(DataStream<Event.Bid> bids) {
    return bids.map(
        bid ->
            new Json()
                .put("auction", bid.auction)
                .put("bidder", bid.bidder)
                .put("price", bid.price)
                .put("date_time", bid.dateTime)
                .put("extra", bid.extra)
                .toString());
  }

  static DataStream<String> currencyConversion(DataStream<Event.Bid> bids) {
    return bids.map(
        bid ->
            new Json()
                .put("auction", bid.auction)
                .put("bidder", bid.bidder)
                .put("price", inEuros(bid.price))
                .put("date_time", bid.dateTime)
                .put("extra", bid.extra)
                .toString());
  }

  static DataStream<String> selection(DataStream<Event.Bid> bids) {
    return bids
        .filter(bid -> bid.auction % 123 == 0)
        .map(bid -> new Json().put("auction", bid.auction).put("price", bid.price).toString());
  }

  static DataStream<String> calculation(DataStream<Event.Bid> bids) {
    return bids
        .filter(bid -> bid.price * 908 > 1_000_000_000L && bid.price * 908 < 50_000_000_000L)
        .map(
            bid ->
                new Json()
                    .put("auction", bid.auction)
                    .put("bidder", bid.bidder)
                    .put("price", inEuros(bid.price))
                    .put("bid_time_type", timeTypeOf(bid.dateTime))
                    .put("date_time", bid.dateTime)
                    .put("extra", bid.extra)
                    .put("c_counts", bid.extra.chars().filter(c -> c == 'c').count())
                    .toString());
  }

  static DataStream<String> channelId(DataStream<Event.Bid> bids) {
    FlatMapFunction<Event.Bid, String> identified =
        (bid, out) -> {
          String id = KNOWN.get(bid.channel.toLowerCase());
          if (id == null) {
            Matcher matcher = CHANNEL_ID.matcher(bid.url);
            if (!matcher.find()) return;
            id = matcher.group(1);
          }
          out.collect(
              new Json()
                  .put("auction", bid.auction)
                  .put("bidder", bid.bidder)
                  .put("price", bid.price)
                  .put("channel", bid.channel)
                  .put("channel_id", id)
                  .toString());
        };
    return bids.flatMap(identified).returns(Types.STRING);
  }

  static DataStream<String> directories(DataStream<Event.Bid> bids) {
    return bids.map(
        bid -> {
          String[] parts = bid.url.split("/");
          return new Json()
              .put("auction", bid.auction)
              .put("bidder", bid.bidder)
              .put("price", bid.price)
              .put("channel", bid.channel)
              .put("dir1", part(parts, 3))
              .put("dir2", part(parts, 4))
              .put("dir3", part(parts, 5))
              .toString();
        });
  }

  private static String part(String[] parts, int i) {
    return i < parts.length ? parts[i] : "";
  }

  private static double inEuros(long cents) {
    return cents * 908 / 1_000.0;
  }

  private static String timeTypeOf(long instant) {
    int hour = Instant.ofEpochMilli(instant).atOffset(ZoneOffset.UTC).getHour();
    if (hour >= 8 && hour <= 18) return "dayTime";
    return hour <= 6 || hour >= 20 ? "nightTime" : "otherTime";
  }
}
