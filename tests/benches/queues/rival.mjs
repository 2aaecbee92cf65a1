// What `main.rs` measures, of graphile-worker on PostgreSQL, by its own library in Node.js and without HTTP:
//
//     npm install graphile-worker pg && DATABASE_URL=postgres://user@/queues?host=/var/run/postgresql node rival.mjs
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

/** Processor time so far of this process and of each of PostgreSQL's, in seconds. */
function cpu() {
  const lines = execSync("cat /proc/[0-9]*/stat 2>/dev/null | grep '(postgres' || true").toString().trim().split("\n");
  const times = new Map();
  for (const line of lines.filter(Boolean)) {
    const fields = line.split(") ")[1].split(" ");
    times.set(line.split(" ")[0], (Number(fields[11]) + Number(fields[12])) / 100);
  }
  const { user, system } = process.cpuUsage();
  return times.set("own", (user + system) / 1e6);
}

/** Since then. What processes that have ended meanwhile used is not counted. */
function cpuSince(before) {
  let sum = 0;
  for (const [pid, time] of cpu()) sum += time - (before.get(pid) ?? 0);
  return sum;
}

let done = 0;
let waited = null;
const options = {
  connectionString,
  concurrency: PLACES,
  maxPoolSize: PLACES + 2,
  noHandleSignals: true,
  taskList: {
    noop: async (_payload, helpers) => {
      done += 1;
      waited?.push(now() - new Date(helpers.job.created_at).getTime());
    },
  },
};
if (BATCHED) {
  options.preset = {
    worker: {
      connectionString,
      concurrentJobs: PLACES,
      maxPoolSize: PLACES + 2,
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
console.log(`done, ${PLACES} at a time: ${(all / seconds).toFixed(0)} a second, with ${cpuSince(used).toFixed(1)} s of processor in ${seconds.toFixed(1)} s`);

await sleep(1_000);
waited = [];
for (let i = 0; i < WATCHED; i += 1) {
  await utils.addJob("noop", {});
  await sleep(20);
}
console.log(`begun after its acceptance: ${percentiles(waited)}`);
used = cpu();
await sleep(IDLE_S * 1e3);
console.log(`idle: ${cpuSince(used).toFixed(2)} s of processor in ${IDLE_S} s`);
await runner.stop();
await utils.release();
process.exit(0);
