import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;

/** A departure, with the checks of functions/aggregate-flight-delays/schemas.ts. */
public final class Departure {
  private static final ObjectReader READER = new ObjectMapper().readerFor(Departure.class);

  public String origin;
  public String destination;
  public long departedAt = Long.MIN_VALUE;
  public double delay = Double.NaN;
  public double distance = Double.NaN;

  public static Departure parse(byte[] json) throws IOException {
    return check(READER.readValue(json));
  }

  public static Departure parse(String json) throws IOException {
    return check(READER.readValue(json));
  }

  private static Departure check(Departure d) throws IOException {
    Mark.passed();
    boolean isRight =
        d.origin != null && d.origin.length() == 3
            && d.destination != null && d.destination.length() == 3
            && d.departedAt != Long.MIN_VALUE
            && !Double.isNaN(d.delay)
            && d.distance >= 0;
    if (!isRight) throw new IOException("not a departure");
    return d;
  }
}
