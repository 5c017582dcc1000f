import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/** KafkaNexmark QUERY BOOTSTRAP INPUT OUTPUT BIDS DISORDER_SECONDS STATE_DIRECTORY: ends after so many bids. */
public final class KafkaNexmark {
  private static final AtomicLong SEEN = new AtomicLong();
  private static final CountDownLatch DONE = new CountDownLatch(1);

  private static final Serde<Event> EVENTS =
      Serdes.serdeFrom(
          (topic, event) -> {
            throw new UnsupportedOperationException();
          },
          (topic, bytes) -> {
            try {
              return Event.parse(bytes);
            } catch (Exception cause) {
              throw new IllegalArgumentException(cause);
            }
          });

  public static void main(String[] args) throws Exception {
    long bids = Long.parseLong(args[4]);
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "nexmark-" + args[3]);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[1]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[6]);
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Event.Bid> stream =
        builder.stream(
                args[2],
                Consumed.with(Serdes.String(), EVENTS)
                    .withTimestampExtractor((record, before) -> ((Event) record.value()).dateTime))
            .filter((key, event) -> event instanceof Event.Bid)
            .mapValues(event -> (Event.Bid) event);
    KStream<String, String> rows =
        args[0].equals("q1")
            ? currencyConversion(stream, bids)
            : bidsOfUsers(stream, bids, Duration.ofSeconds(Long.parseLong(args[5])));
    rows.to(args[3], Produced.with(Serdes.String(), Serdes.String()));

    KafkaStreams streams = new KafkaStreams(builder.build(), properties);
    streams.setUncaughtExceptionHandler(
        (cause) -> {
          cause.printStackTrace();
          DONE.countDown();
          return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    DONE.await();
    streams.close(); // what is being processed is, and is committed
    if (SEEN.get() != bids) System.exit(1);
  }

  private static void see(long bids) {
    if (SEEN.incrementAndGet() == bids) DONE.countDown();
  }

  private static KStream<String, String> currencyConversion(KStream<String, Event.Bid> stream, long bids) {
    return stream
        .peek((key, bid) -> see(bids))
        .filter((key, bid) -> bid.auction != 0) // the one that ends the topic
        .mapValues(
            bid ->
                new Json()
                    .put("auction", bid.auction)
                    .put("bidder", bid.bidder)
                    .put("price", bid.price * 908 / 1_000.0)
                    .put("date_time", bid.dateTime)
                    .put("extra", bid.extra)
                    .toString());
  }

  private static KStream<String, String> bidsOfUsers(KStream<String, Event.Bid> stream, long bids, Duration grace) {
    Duration size = Duration.ofSeconds(10);
    return stream
        .map((key, bid) -> KeyValue.pair(bid.bidder, bid.bidder))
        .repartition(Repartitioned.with(Serdes.Long(), Serdes.Long()).withNumberOfPartitions(1))
        .peek((bidder, value) -> see(bids))
        .groupByKey(Grouped.with(Serdes.Long(), Serdes.Long()))
        .windowedBy(TimeWindows.ofSizeAndGrace(size, grace))
        .count(
            Materialized.<Long, Long>as(Stores.inMemoryWindowStore("counts", grace.plus(size), size, false))
                .withKeySerde(Serdes.Long())
                .withValueSerde(Serdes.Long()))
        .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
        .toStream()
        .map(
            (window, count) ->
                KeyValue.pair(
                    window.key().toString(),
                    new Json()
                        .put("bidder", window.key())
                        .put("bid_count", count)
                        .put("starttime", window.window().start())
                        .put("endtime", window.window().end())
                        .toString()));
  }
}
