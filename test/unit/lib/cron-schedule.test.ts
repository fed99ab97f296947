import { describe, expect, it } from "vitest";
import { parseCronSchedule } from "../../../src/lib/cron-schedule.ts";

describe("parseCronSchedule", () => {
  it.each([
    ["5 4 * * 0", ["Sun *-*-* 04:05:00"]],
    ["5  4 * *   7", ["Sun *-*-* 04:05:00"]],
    ["*/15 * * * *", ["*-*-* *:00,15,30,45:00"]],
    ["0 2 1,15 * *", ["*-*-01,15 02:00:00"]],
    ["30 2 * jan-mar mon-fri", ["Mon,Tue,Wed,Thu,Fri *-01,02,03-* 02:30:00"]],
    ["0 0 13 * 5", ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]],
    ["0 0 */2 * 1", ["Mon *-*-01,03,05,07,09,11,13,15,17,19,21,23,25,27,29,31 00:00:00"]],
    ["0 1 * * 0-7", ["*-*-* 01:00:00"]],
    ["0 0 29 2 *", ["*-02-29 00:00:00"]],
    ["0 0 31 2 1", ["*-02-31 00:00:00", "Mon *-02-* 00:00:00"]],
    ["@weekly", ["Sun *-*-* 00:00:00"]],
  ])("reads %s, for systemd too", (text, calendars) => {
    expect(parseCronSchedule(text).calendars).toEqual(calendars);
  });

  it("gives cron five fields with a space between them", () => {
    expect(parseCronSchedule(" 5 4\t*  * 0 ").text).toBe("5 4 * * 0");
    expect(parseCronSchedule("@daily").text).toBe("0 0 * * *");
  });

  it.each([
    "",
    "5 4 * *",
    "5 4 * * 0 root",
    "60 4 * * 0",
    "5 24 * * 0",
    "5 4 0 * *",
    "5 4 * 13 *",
    "5 4 * * 8",
    "5 4 * * x",
    "5-1 * * * *",
    "*/0 * * * *",
    "5, 4 * * *",
    "5 4 * * 0\n* * * * * root rm",
    "@reboot",
    "0 0 31 2,4,jun *",
    "0 0 30 2 *",
  ])("refuses %j", (text) => {
    expect(() => parseCronSchedule(text)).toThrow(RangeError);
  });
});
