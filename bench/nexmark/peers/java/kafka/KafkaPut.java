import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** KafkaPut BOOTSTRAP TOPIC FILE LAST: puts a file's lines into a topic, without keys, and one more. */
public final class KafkaPut {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("linger.ms", "20");
    properties.put("batch.size", "200000");
    try (KafkaProducer<String, String> producer =
            new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
        BufferedReader lines = Files.newBufferedReader(Path.of(args[2]))) {
      for (String line; (line = lines.readLine()) != null; ) producer.send(new ProducerRecord<>(args[1], line));
      producer.send(new ProducerRecord<>(args[1], args[3]));
    }
  }
}
