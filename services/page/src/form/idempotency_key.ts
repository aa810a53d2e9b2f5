/** One key as long as the request is the same: sent twice, after a lost answer, it is one job. */
export class IdempotencyKey {
  private request = "";
  private key = "";

  for(request: string): string {
    if (this.request !== request) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      this.request = request;
      this.key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return this.key;
  }

  /** The next request is another, even if it is the same. */
  used(): void {
    this.request = "";
  }
}
