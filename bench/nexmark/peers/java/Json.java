import com.fasterxml.jackson.core.io.JsonStringEncoder;

/** A row as one line of JSON. */
public final class Json {
  private static final JsonStringEncoder ENCODER = JsonStringEncoder.getInstance();

  private final StringBuilder text = new StringBuilder(256);

  public Json put(String name, long value) {
    named(name).append(value);
    return this;
  }

  public Json put(String name, double value) {
    named(name).append(value);
    return this;
  }

  public Json put(String name, String value) {
    named(name).append('"');
    ENCODER.quoteAsString(value, text);
    text.append('"');
    return this;
  }

  private StringBuilder named(String name) {
    return text.append(text.length() == 0 ? '{' : ',').append('"').append(name).append("\":");
  }

  @Override
  public String toString() {
    return text.append('}').toString();
  }
}
