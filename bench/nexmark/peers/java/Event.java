import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;

/** An event of the auction, with the checks of generator/schemas.ts. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Event.Person.class, name = "person"),
  @JsonSubTypes.Type(value = Event.Auction.class, name = "auction"),
  @JsonSubTypes.Type(value = Event.Bid.class, name = "bid")
})
public abstract class Event {
  private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);
  private static final long MISSING = Long.MIN_VALUE;

  public long dateTime = MISSING;
  public String extra;

  abstract boolean isWhole();

  public static Event parse(String json) throws IOException {
    return check(READER.readValue(json));
  }

  public static Event parse(byte[] json) throws IOException {
    return check(READER.readValue(json));
  }

  private static Event check(Event event) throws IOException {
    Mark.passed();
    if (event.dateTime == MISSING || event.extra == null || !event.isWhole()) throw new IOException("not an event");
    return event;
  }

  public static final class Person extends Event {
    public long id = MISSING;
    public String name;
    public String emailAddress;
    public String creditCard;
    public String city;
    public String state;

    @Override
    boolean isWhole() {
      return id >= 0 && name != null && emailAddress != null && creditCard != null && city != null && state != null;
    }
  }

  public static final class Auction extends Event {
    public long id = MISSING;
    public String itemName;
    public String description;
    public long initialBid = MISSING;
    public long reserve = MISSING;
    public long expires = MISSING;
    public long seller = MISSING;
    public long category = MISSING;

    @Override
    boolean isWhole() {
      return id >= 0 && itemName != null && description != null && initialBid >= 0 && reserve >= 0
          && expires != MISSING && seller >= 0 && category != MISSING;
    }
  }

  public static final class Bid extends Event {
    public long auction = MISSING;
    public long bidder = MISSING;
    public long price = MISSING;
    public String channel;
    public String url;

    @Override
    boolean isWhole() {
      return auction >= 0 && bidder >= 0 && price >= 0 && channel != null && url != null;
    }
  }
}
