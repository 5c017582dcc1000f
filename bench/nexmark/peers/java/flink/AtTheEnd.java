import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.triggers.TriggerResult;
import org.apache.flink.streaming.api.windowing.windows.GlobalWindow;

/**
 * Fires a global window once, when event time has come to its end. GlobalWindows.createWithEndOfStreamTrigger would, too,
 * but makes what is before it a batch job, which takes no checkpoints.
 */
final class AtTheEnd extends Trigger<Object, GlobalWindow> {
  @Override
  public TriggerResult onElement(Object element, long timestamp, GlobalWindow window, TriggerContext context) {
    context.registerEventTimeTimer(window.maxTimestamp());
    return TriggerResult.CONTINUE;
  }

  @Override
  public TriggerResult onEventTime(long time, GlobalWindow window, TriggerContext context) {
    return TriggerResult.FIRE;
  }

  @Override
  public TriggerResult onProcessingTime(long time, GlobalWindow window, TriggerContext context) {
    return TriggerResult.CONTINUE;
  }

  @Override
  public void clear(GlobalWindow window, TriggerContext context) {
    context.deleteEventTimeTimer(window.maxTimestamp());
  }
}
