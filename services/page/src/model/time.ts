/** Times as people read them: in the account's zone, with the abbreviation in force on that day. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// A locale knows its own region's abbreviations only: en-US says EDT but "GMT+1" where en-GB says BST.
const ABBREVIATION_LOCALES = ["en-US", "en-GB", "en-AU", "en-CA", "en-NZ", "en-IN", "en-ZA"];

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${zone} ${Object.keys(options).join()}`;
  let found = formatters.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    formatters.set(key, found);
  }
  return found;
}

function part(at: Date, locale: string, zone: string, options: Intl.DateTimeFormatOptions, type: string): string {
  return formatter(locale, zone, options).formatToParts(at).find((each) => each.type === type)?.value ?? "";
}

/** `EST`, `EDT`, `BST`; `GMT+3` where English has no name for the zone. */
export function zoneAbbreviation(at: Date, zone: string): string {
  const names = ABBREVIATION_LOCALES.map((locale) =>
    part(at, locale, zone, { hour: "numeric", timeZoneName: "short" }, "timeZoneName"),
  );
  return names.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? names[0] ?? zone;
}

/** `Nov 23, 2026` */
export function formatDay(at: Date, zone: string): string {
  return formatter("en-US", zone, { year: "numeric", month: "short", day: "numeric" }).format(at);
}

/** `1:05 PM EST` */
export function formatTime(at: Date, zone: string): string {
  const options: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
  const [hour, minute, half] = ["hour", "minute", "dayPeriod"].map((type) => part(at, "en-US", zone, options, type));
  return `${hour}:${minute} ${half} ${zoneAbbreviation(at, zone)}`;
}

/** `1:05:09 PM EST`, where seconds matter. */
export function formatTimeWithSeconds(at: Date, zone: string): string {
  const options: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit", second: "2-digit" };
  const [hour, minute, second, half] = ["hour", "minute", "second", "dayPeriod"].map((type) =>
    part(at, "en-US", zone, options, type),
  );
  return `${hour}:${minute}:${second} ${half} ${zoneAbbreviation(at, zone)}`;
}

/** `Nov 23, 12:59 PM EST`; with the year when it is not the current one. */
export function formatMoment(at: Date, zone: string, now: Date): string {
  const sameYear = part(at, "en-US", zone, { year: "numeric" }, "year") === part(now, "en-US", zone, { year: "numeric" }, "year");
  const day = sameYear ? formatter("en-US", zone, { month: "short", day: "numeric" }).format(at) : formatDay(at, zone);
  return `${day}, ${formatTime(at, zone)}`;
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `in 7 days`, `in 3 hours`, `in 5 minutes`, `in a moment`. */
export function formatWait(at: Date, now: Date): string {
  const wait = at.getTime() - now.getTime();
  if (wait >= 2 * DAY_MS) return `in ${plural(Math.round(wait / DAY_MS), "day")}`;
  if (wait >= 2 * HOUR_MS) return `in ${plural(Math.round(wait / HOUR_MS), "hour")}`;
  if (wait >= MINUTE_MS) return `in ${plural(Math.round(wait / MINUTE_MS), "minute")}`;
  return "in a moment";
}

/** How far `zone` is ahead of UTC at this instant. */
function offsetMs(at: number, zone: string): number {
  const options: Intl.DateTimeFormatOptions = {
    hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  };
  const value = (type: string): number => Number(part(new Date(at), "en-US", zone, options, type));
  const wall = Date.UTC(value("year"), value("month") - 1, value("day"), value("hour"), value("minute"), value("second"));
  return wall - Math.floor(at / 1000) * 1000;
}

/**
 * The instant that clocks in `zone` show as `local` (`2026-12-01T09:00`, as date fields give it).
 * An hour that is skipped in spring gives the instant an hour later; one that comes twice in autumn, its first.
 * What is no time gives no valid date.
 */
export function instantOf(local: string, zone: string): Date {
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall)) return new Date(wall);
  const before = wall - offsetMs(wall - DAY_MS, zone);
  const after = wall - offsetMs(wall + DAY_MS, zone);
  const fits = [before, after].filter((at) => at + offsetMs(at, zone) === wall);
  return new Date(fits.length > 0 ? Math.min(...fits) : Math.max(before, after));
}

/** The same the other way round, for a date field's value. */
export function localOf(at: Date, zone: string): string {
  return new Date(at.getTime() + offsetMs(at.getTime(), zone)).toISOString().slice(0, 16);
}
