import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What mark.ts does, for events that are read by one thread, one at a time. */
public final class Mark {
  private static final long AFTER = Long.parseLong(System.getenv().getOrDefault("MARK_AFTER", "0"));
  private static long events = 0;

  public static void passed() {
    if (++events == AFTER) write();
  }

  private static void write() {
    double cpu = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime() / 1e9;
    try {
      Files.writeString(Path.of(System.getenv("MARK_FILE")), "{\"events\":" + AFTER + ",\"cpu\":" + cpu + "}");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Mark() {}
}
