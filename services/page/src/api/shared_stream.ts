/**
 * One live stream for all tabs of a browser, as a browser opens six connections to a server at most. The tab that holds
 * a lock reads the stream and passes on what it hears; the lock goes to another when that tab closes or crashes, and is
 * taken away from one that has fallen silent (browsers freeze tabs nobody sees).
 */

/** The leader says something at least this often. */
const BEAT_MS = 10_000;
const SILENCE_MS = 45_000;
/** Spread, so that not all followers take the lock from each other. */
const SPREAD_MS = 10_000;

type Envelope<Message> = { kind: "beat" } | { kind: "hello" } | { kind: "wish" } | { kind: "said"; message: Message };

export interface Sharing<Message> {
  /** Reads the stream while this tab leads, until the signal stops it. What it says, all tabs hear, this one too. */
  lead: (say: (message: Message) => void, signal: AbortSignal) => Promise<void>;
  /** What the leader says. */
  hear: (message: Message) => void;
  /** What a tab that has just come is told; asked of the leader. */
  greeting: () => Message;
  /** Another tab's user wants the leader to try at once. */
  wished: () => void;
}

/** Takes part until the signal stops it. Returns what tells the leader of a user's wish. */
export function shareStream<Message>(name: string, sharing: Sharing<Message>, signal: AbortSignal): () => void {
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") {
    // Without https there are no locks: then each tab has its own stream.
    void sharing.lead(sharing.hear, signal);
    return sharing.wished;
  }
  const tab = new Tab(name, sharing, signal);
  void tab.takePart();
  return () => tab.wish();
}

class Tab<Message> {
  private readonly name: string;
  private readonly sharing: Sharing<Message>;
  private readonly signal: AbortSignal;
  private readonly channel: BroadcastChannel;
  private leads = false;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, sharing: Sharing<Message>, signal: AbortSignal) {
    this.name = name;
    this.sharing = sharing;
    this.signal = signal;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Envelope<Message>>) => this.receive(data);
    const beat = setInterval(() => this.leads && this.post({ kind: "beat" }), BEAT_MS);
    signal.addEventListener("abort", () => {
      clearInterval(beat);
      clearTimeout(this.silence);
      this.channel.close();
    });
  }

  /** Follows, and leads when its turn comes; follows again when the lock was taken from it. */
  async takePart(): Promise<void> {
    let usable = true;
    while (usable && !this.signal.aborted) {
      this.post({ kind: "hello" });
      this.listen();
      usable = await this.hold({ signal: this.signal });
    }
    if (!this.signal.aborted) await this.sharing.lead(this.sharing.hear, this.signal);
  }

  wish(): void {
    if (this.leads) this.sharing.wished();
    else this.post({ kind: "wish" });
  }

  /** Waits for the lock, and leads while it is held. False: there is no such lock to be had. */
  private async hold(options: LockOptions): Promise<boolean> {
    const lost = new AbortController();
    let led = false;
    try {
      await navigator.locks.request(this.name, options, async () => {
        if (this.leads) return;
        led = this.leads = true;
        clearTimeout(this.silence);
        await this.sharing.lead((message) => this.say(message), AbortSignal.any([this.signal, lost.signal]));
      });
      // Over, though nobody asked for it: the gateway will not have this user, nor from another tab.
      await aborted(this.signal);
    } catch {
      lost.abort();
    }
    if (led) this.leads = false;
    if (options.steal && !this.signal.aborted) this.listen();
    return led || this.signal.aborted;
  }

  private say(message: Message): void {
    if (!this.leads) return;
    this.post({ kind: "said", message });
    this.sharing.hear(message);
  }

  private post(envelope: Envelope<Message>): void {
    if (!this.signal.aborted) this.channel.postMessage(envelope);
  }

  private receive(envelope: Envelope<Message>): void {
    if (this.leads) this.answer(envelope);
    else if (envelope.kind === "beat" || envelope.kind === "said") {
      this.listen();
      if (envelope.kind === "said") this.sharing.hear(envelope.message);
    }
  }

  private answer(envelope: Envelope<Message>): void {
    if (envelope.kind === "hello") this.post({ kind: "said", message: this.sharing.greeting() });
    else if (envelope.kind === "wish") this.sharing.wished();
  }

  /** A leader that says nothing for too long has to give way. */
  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => void this.hold({ steal: true }), SILENCE_MS + Math.random() * SPREAD_MS);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve())));
}
