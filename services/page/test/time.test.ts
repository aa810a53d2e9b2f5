import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDay, formatMoment, formatTime, formatWait, instantOf, localOf, zoneAbbreviation } from "../src/model/time.ts";

const NEW_YORK = "America/New_York";
const winter = new Date("2026-11-23T18:05:00Z");
const summer = new Date("2026-07-01T18:05:00Z");

test("the abbreviation is the one in force on that day", () => {
  assert.equal(zoneAbbreviation(winter, NEW_YORK), "EST");
  assert.equal(zoneAbbreviation(summer, NEW_YORK), "EDT");
  assert.equal(zoneAbbreviation(winter, "Europe/London"), "GMT");
  assert.equal(zoneAbbreviation(summer, "Europe/London"), "BST");
  assert.equal(zoneAbbreviation(summer, "Europe/Berlin"), "CEST");
  assert.equal(zoneAbbreviation(summer, "Australia/Sydney"), "AEST");
});

test("a zone without an English abbreviation shows its offset", () => {
  assert.equal(zoneAbbreviation(summer, "America/Sao_Paulo"), "GMT-3");
});

test("days and times are the account's, across midnight too", () => {
  const lateEvening = new Date("2026-12-01T04:30:00Z");
  assert.equal(formatDay(lateEvening, NEW_YORK), "Nov 30, 2026");
  assert.equal(formatTime(lateEvening, NEW_YORK), "11:30 PM EST");
  assert.equal(formatTime(lateEvening, "Europe/London"), "4:30 AM GMT");
});

test("a moment names its year only when it is another one", () => {
  assert.equal(formatMoment(summer, NEW_YORK, winter), "Jul 1, 2:05 PM EDT");
  assert.equal(formatMoment(summer, NEW_YORK, new Date("2027-02-01T00:00:00Z")), "Jul 1, 2026, 2:05 PM EDT");
});

test("waits are told in the unit that fits", () => {
  const after = (minutes: number): Date => new Date(winter.getTime() + minutes * 60_000);
  assert.equal(formatWait(after(7 * 24 * 60), winter), "in 7 days");
  assert.equal(formatWait(after(3 * 60), winter), "in 3 hours");
  assert.equal(formatWait(after(90), winter), "in 90 minutes");
  assert.equal(formatWait(after(1), winter), "in 1 minute");
  assert.equal(formatWait(after(0.5), winter), "in a moment");
  assert.equal(formatWait(after(-5), winter), "in a moment");
});

test("a date field's value means the account's clock, whatever this machine's zone", () => {
  assert.equal(instantOf("2026-12-01T09:00", NEW_YORK).toISOString(), "2026-12-01T14:00:00.000Z");
  assert.equal(instantOf("2026-07-01T09:00", NEW_YORK).toISOString(), "2026-07-01T13:00:00.000Z");
  assert.equal(localOf(new Date("2026-12-01T14:00:00Z"), NEW_YORK), "2026-12-01T09:00");
});

test("the hour that comes twice in autumn means its first, the skipped one of spring an hour later", () => {
  assert.equal(instantOf("2026-11-01T01:30", NEW_YORK).toISOString(), "2026-11-01T05:30:00.000Z");
  assert.equal(instantOf("2026-03-08T02:30", NEW_YORK).toISOString(), "2026-03-08T07:30:00.000Z");
});
