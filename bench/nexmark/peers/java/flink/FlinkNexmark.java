import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** FlinkNexmark QUERY INPUT ROWS CHECKPOINTS DISORDER_SECONDS CHECKPOINT_SECONDS */
public final class FlinkNexmark {
  public static void main(String[] args) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + args[3]);
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(1);
    env.getConfig().enableObjectReuse();
    env.enableCheckpointing(1_000 * Long.parseLong(args[5]), CheckpointingMode.EXACTLY_ONCE);
    DataStream<Event> events =
        env.fromSource(
                FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(args[1])).build(),
                WatermarkStrategy.noWatermarks(),
                "events")
            .map(Event::parse)
            .returns(Event.class)
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Event>forBoundedOutOfOrderness(Duration.ofSeconds(Long.parseLong(args[4])))
                    .withTimestampAssigner((event, t) -> event.dateTime));
    rowsOf(args[0], events)
        .sinkTo(FileSink.forRowFormat(new Path(args[2]), new SimpleStringEncoder<String>()).build());
    env.execute(args[0]);
  }

  private static DataStream<String> rowsOf(String query, DataStream<Event> events) {
    DataStream<Event.Bid> bids =
        events.filter(event -> event instanceof Event.Bid).map(event -> (Event.Bid) event).returns(Event.Bid.class);
    return switch (query) {
      case "q0" -> Stateless.passThrough(bids);
      case "q1" -> Stateless.currencyConversion(bids);
      case "q2" -> Stateless.selection(bids);
      case "q4" -> PerAuction.averagePriceForCategory(events);
      case "q5" -> Windows.hotItems(bids);
      case "q7" -> Windows.highestBid(bids);
      case "q11" -> Windows.userSessions(bids);
      case "q12" -> Windows.bidsOfUsers(bids);
      case "q14" -> Stateless.calculation(bids);
      case "q15" -> Statistics.ofDays(bids);
      case "q16" -> Statistics.ofChannels(bids);
      case "q17" -> Statistics.ofAuctions(bids);
      case "q18" -> PerAuction.lastBid(bids);
      case "q19" -> PerAuction.topTen(bids);
      case "q21" -> Stateless.channelId(bids);
      case "q22" -> Stateless.directories(bids);
      default -> throw new IllegalArgumentException(query);
    };
  }
}
