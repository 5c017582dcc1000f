import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** FlinkFlights INPUT ROWS CHECKPOINTS DISORDER_HOURS keyBy|partitioned CHECKPOINT_SECONDS */
public final class FlinkFlights {
  public static final class Stats {
    public long flights;
    public double sum;
    public double worst = Double.NEGATIVE_INFINITY;
  }

  static final class Add implements AggregateFunction<Departure, Stats, Stats> {
    public Stats createAccumulator() {
      return new Stats();
    }

    public Stats add(Departure d, Stats stats) {
      stats.flights++;
      stats.sum += d.delay;
      stats.worst = Math.max(stats.worst, d.delay);
      return stats;
    }

    public Stats getResult(Stats stats) {
      return stats;
    }

    public Stats merge(Stats a, Stats b) {
      a.flights += b.flights;
      a.sum += b.sum;
      a.worst = Math.max(a.worst, b.worst);
      return a;
    }
  }

  static final class Row extends ProcessWindowFunction<Stats, String, String, TimeWindow> {
    public void process(String origin, Context context, Iterable<Stats> all, Collector<String> out) {
      Stats stats = all.iterator().next();
      out.collect(
          "{\"origin\":\"" + origin
              + "\",\"windowStart\":" + context.window().getStart()
              + ",\"windowEnd\":" + context.window().getEnd()
              + ",\"flights\":" + stats.flights
              + ",\"meanDelay\":" + stats.sum / stats.flights
              + ",\"worstDelay\":" + stats.worst + "}");
    }
  }

  public static void main(String[] args) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + args[2]);
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(1);
    env.getConfig().enableObjectReuse();
    env.enableCheckpointing(1_000 * Long.parseLong(args[5]), CheckpointingMode.EXACTLY_ONCE);
    DataStream<Departure> departures =
        env.fromSource(
                FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(args[0])).build(),
                WatermarkStrategy.noWatermarks(),
                "departures")
            .map(Departure::parse)
            .returns(Departure.class)
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Departure>forBoundedOutOfOrderness(Duration.ofHours(Long.parseLong(args[3])))
                    .withTimestampAssigner((d, t) -> d.departedAt))
            .filter(d -> d.distance >= 100);
    // Partitioned: the stream's own partitioning is by the key already, as the other engines are told too.
    KeyedStream<Departure, String> keyed =
        args[4].equals("partitioned")
            ? DataStreamUtils.reinterpretAsKeyedStream(departures, d -> d.origin, org.apache.flink.api.common.typeinfo.Types.STRING)
            : departures.keyBy(d -> d.origin);
    keyed
        .window(TumblingEventTimeWindows.of(Duration.ofHours(1)))
        .aggregate(new Add(), new Row())
        .sinkTo(FileSink.forRowFormat(new Path(args[1]), new SimpleStringEncoder<String>()).build());
    env.execute("flights");
  }
}
