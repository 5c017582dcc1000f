import java.nio.ByteBuffer;
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
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/** KafkaFlights BOOTSTRAP INPUT OUTPUT RECORDS DISORDER_HOURS STATE_DIRECTORY: ends after so many records. */
public final class KafkaFlights {
  record Stats(long flights, double sum, double worst) {
    Stats add(Departure d) {
      return new Stats(flights + 1, sum + d.delay, Math.max(worst, d.delay));
    }
  }

  private static final Serde<Stats> STATS =
      Serdes.serdeFrom(
          (topic, s) ->
              s == null
                  ? null
                  : ByteBuffer.allocate(24).putLong(s.flights).putDouble(s.sum).putDouble(s.worst).array(),
          (topic, bytes) -> {
            if (bytes == null) return null;
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Stats(buffer.getLong(), buffer.getDouble(), buffer.getDouble());
          });

  private static final Serde<Departure> DEPARTURES =
      Serdes.serdeFrom(
          (topic, d) -> {
            throw new UnsupportedOperationException();
          },
          (topic, bytes) -> {
            try {
              return Departure.parse(bytes);
            } catch (Exception cause) {
              throw new IllegalArgumentException(cause);
            }
          });

  public static void main(String[] args) throws Exception {
    Duration grace = Duration.ofHours(Long.parseLong(args[4]));
    Duration hour = Duration.ofHours(1);
    long records = Long.parseLong(args[3]);
    AtomicLong seen = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);

    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "flights-" + args[2]);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(
            args[1],
            Consumed.with(Serdes.String(), DEPARTURES)
                .withTimestampExtractor((record, before) -> ((Departure) record.value()).departedAt))
        .peek(
            (key, d) -> {
              if (seen.incrementAndGet() == records) done.countDown();
            })
        .filter((key, d) -> d.distance >= 100)
        .groupByKey(Grouped.with(Serdes.String(), DEPARTURES))
        .windowedBy(TimeWindows.ofSizeAndGrace(hour, grace))
        .aggregate(
            () -> new Stats(0, 0, Double.NEGATIVE_INFINITY),
            (key, d, stats) -> stats.add(d),
            Materialized.<String, Stats>as(
                    Stores.inMemoryWindowStore("hourly", grace.plus(hour), hour, false))
                .withKeySerde(Serdes.String())
                .withValueSerde(STATS))
        .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
        .toStream()
        .map(
            (window, stats) ->
                KeyValue.pair(
                    window.key(),
                    "{\"origin\":\"" + window.key()
                        + "\",\"windowStart\":" + window.window().start()
                        + ",\"windowEnd\":" + window.window().end()
                        + ",\"flights\":" + stats.flights
                        + ",\"meanDelay\":" + stats.sum / stats.flights
                        + ",\"worstDelay\":" + stats.worst + "}"))
        .to(args[2], Produced.with(Serdes.String(), Serdes.String()));

    KafkaStreams streams = new KafkaStreams(builder.build(), properties);
    streams.setUncaughtExceptionHandler(
        (cause) -> {
          cause.printStackTrace();
          done.countDown();
          return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    done.await();
    streams.close(); // what is being processed is, and is committed
    if (seen.get() != records) System.exit(1);
  }
}
