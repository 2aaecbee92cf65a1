// What `main.rs` measures, of graphile-worker on PostgreSQL, by its own library in Node.js and without HTTP:
//
//     npm install graphile-worker pg && DATABASE_URL=postgres:///queues node rival.mjs
//
// Both keep what they accept through a power cut (fsync), and use one machine. `BATCHED=1` has the worker fetch and
// complete many jobs at once, which its defaults do not.

import { execSync } from "node:child_process";
import { run, makeWorkerUtils } from "graphile-worker";

const JOBS = Number(process.env.QUEUES_JOBS ?? 10_000);
const PLACES = Number(process.env.QUEUES_PLACES ?? 16);
const BATCHED = process.env.BATCHED === "1";
const ONE_AT_A_TIME = 1_000;
const WATCHED = 300;
const IDLE_S = 10;

const connectionString = process.env.DATABASE_URL;
const now = () => performance.timeOrigin + performance.now();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function percentiles(millis) {
  millis.sort((a, b) => a - b);
  const at = (share) => millis[Math.floor((millis.length - 1) * share)].toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

/** Processor time of this process and of all of PostgreSQL, in seconds. */
function cpu() {
  const line = "cat /proc/[0-9]*/stat 2>/dev/null | grep '(postgres' || true";
  const rows = execSync(line).toString().trim().split("\n").filter(Boolean);
  const ticks = rows.map((row) => row.split(") ")[1].split(" ")).map((f) => Number(f[11]) + Number(f[12]));
  const { user, system } = process.cpuUsage();
  return ticks.reduce((sum, one) => sum + one, 0) / 100 + (user + system) / 1e6;
}

let done = 0;
let waited = null;
const logger = undefined;
const options = {
  connectionString,
  concurrency: PLACES,
  noHandleSignals: true,
  taskList: {
    noop: async (_payload, helpers) => {
      done += 1;
      waited?.push(now() - new Date(helpers.job.created_at).getTime());
    },
  },
  logger,
};
if (BATCHED) {
  options.preset = {
    worker: {
      connectionString,
      concurrentJobs: PLACES,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  };
}

const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();

let took = [];
let begun = now();
for (let i = 0; i < ONE_AT_A_TIME; i += 1) {
  const asked = now();
  await utils.addJob("noop", {});
  took.push(now() - asked);
}
console.log(`accepted one at a time: ${((ONE_AT_A_TIME / (now() - begun)) * 1e3).toFixed(0)} a second; ${percentiles(took)}`);
begun = now();
for (let i = 0; i < JOBS / 1_000; i += 1) {
  await utils.addJobs(Array.from({ length: 1_000 }, () => ({ identifier: "noop", payload: {} })));
}
console.log(`accepted a thousand at a time: ${((JOBS / (now() - begun)) * 1e3).toFixed(0)} a second`);

const all = JOBS + ONE_AT_A_TIME;
let used = cpu();
begun = now();
const runner = await run(options);
while (done < all) await sleep(10);
let seconds = (now() - begun) / 1e3;
console.log(`done, ${PLACES} at a time: ${(all / seconds).toFixed(0)} a second, with ${(cpu() - used).toFixed(1)} s of processor in ${seconds.toFixed(1)} s`);

await sleep(1_000);
waited = [];
for (let i = 0; i < WATCHED; i += 1) {
  await utils.addJob("noop", {});
  await sleep(20);
}
console.log(`begun after its acceptance: ${percentiles(waited)}`);
used = cpu();
await sleep(IDLE_S * 1e3);
console.log(`idle: ${(cpu() - used).toFixed(2)} s of processor in ${IDLE_S} s`);
await runner.stop();
await utils.release();
process.exit(0);
