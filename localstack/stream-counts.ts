/** How many records each stream has taken since the stack started; with what mappings have done, this is the lag. */
export class StreamCounts {
  private readonly taken = new Map<string, number>();

  add(stream: string, count: number): void {
    this.taken.set(stream, this.of(stream) + count);
  }

  of(stream: string): number {
    return this.taken.get(stream) ?? 0;
  }
}
