import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * load BOOTSTRAP TOPIC FILE: puts a file's departures into a topic of one partition, by their origins, and one more a
 * month later, of no airport, so that event time passes the end of every window. read BOOTSTRAP TOPIC FILE: writes what
 * is committed of a topic into a file.
 */
public final class KafkaLoad {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[1]);
    if (args[0].equals("load")) load(properties, args[2], Path.of(args[3]));
    else if (args[0].equals("create")) create(properties, args[2]);
    else read(properties, args[2], Path.of(args[3]));
  }

  private static void create(Properties properties, String topic) throws Exception {
    try (Admin admin = Admin.create(properties)) {
      // Kept for ever: the departures' times are long past.
      admin
          .createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of("retention.ms", "-1"))))
          .all()
          .get();
    }
  }

  private static void load(Properties properties, String topic, Path file) throws Exception {
    create(properties, topic);
    properties.put("linger.ms", "20");
    properties.put("batch.size", "200000");
    long latest = 0;
    try (KafkaProducer<String, String> producer =
            new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
        BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line; (line = lines.readLine()) != null; ) {
        Departure departure = Departure.parse(line);
        latest = Math.max(latest, departure.departedAt);
        producer.send(new ProducerRecord<>(topic, departure.origin, line));
      }
      long last = latest + Duration.ofDays(30).toMillis();
      String end =
          "{\"origin\":\"---\",\"destination\":\"---\",\"departedAt\":" + last + ",\"delay\":0,\"distance\":1000}";
      producer.send(new ProducerRecord<>(topic, "---", end));
    }
  }

  private static void read(Properties properties, String topic, Path file) throws Exception {
    properties.put("isolation.level", "read_committed");
    TopicPartition partition = new TopicPartition(topic, 0);
    try (KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
        BufferedWriter rows = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end) {
        for (var record : consumer.poll(Duration.ofMillis(500))) rows.write(record.value() + "\n");
      }
    }
  }
}
