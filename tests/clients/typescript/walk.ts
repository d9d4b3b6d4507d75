// Everything that an engineer does with the API, by types that were generated from its description.
// `scripts/clients.sh` generates them, compiles this program with strict types, and runs it.

import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { join } from "node:path";

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Job = Schemas["JobOut"];
type JobOf<Kind extends Job["kind"]> = Extract<Job, { kind: Kind }>;
type Answer<Data> = { data?: Data; error?: Schemas["ProblemOut"] | undefined; response: Response };

const [address = "", key = "", samples = ""] = process.argv.slice(2);
const patienceSeconds = 60;
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${key}` } });

function good<Data>(answer: Answer<Data>): Data {
  assert(answer.data !== undefined, `${answer.error?.status} ${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

function problem(answer: Answer<unknown>): Schemas["ProblemOut"] {
  assert(answer.error !== undefined, "no problem");
  assert.equal(answer.error.status, answer.response.status);
  return answer.error;
}

// a form: the types describe its fields, and the description says that `file` is binary
function form(fields: Record<string, unknown>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof File) data.append(name, value, value.name);
    else for (const each of Array.isArray(value) ? value : [value]) data.append(name, String(each));
  }
  return data;
}

// TypeScript has no binary string: the file stands in for it until the form is made
async function file(...path: string[]): Promise<string> {
  const blob = await openAsBlob(join(samples, ...path));
  return new File([blob], path.at(-1) ?? "") as unknown as string;
}

async function ended<Kind extends Job["kind"]>(kind: Kind, id: string): Promise<JobOf<Kind>> {
  for (;;) {
    const query = { wait: patienceSeconds };
    const job = good(await client.GET("/v1/jobs/{job_id}", { params: { path: { job_id: id }, query } }));
    if (job.ended_at === null) continue;
    assert.equal(job.state, "done", job.error?.message);
    assert.equal(job.kind, kind);
    return job as JobOf<Kind>;
  }
}

async function index(): Promise<void> {
  const body = { file: await file("scraped.zip"), name: "scraped-ts" };
  const sent = good(await client.POST("/v1/collections", { body, bodySerializer: form }));
  const job = await ended("index", sent.id);
  assert(job.result !== null && job.result.items > 0);
  const { datasets } = good(await client.GET("/v1/datasets"));
  assert(datasets.some((each) => each.name === "scraped-ts"));
  const path = { dataset: "scraped-ts:1" };
  const dataset = good(await client.GET("/v1/datasets/{dataset}", { params: { path } }));
  assert((dataset.sound?.recordings ?? 0) > 0);
}

async function register(): Promise<void> {
  const body = { file: await file("originals", "tin_parade.mp3"), title: "Tin Parade", isrc: "DE-A12-24-00001" };
  const sent = good(await client.POST("/v1/works", { body, bodySerializer: form }));
  const job = await ended("work", sent.id);
  assert(job.result !== null && job.result.status === "registered");
  assert.equal(job.result.work?.isrc, "DEA122400001");
  assert.equal(job.result.finding?.verdict, "match");
  const scan = { file: await file("scraped.zip"), effort: "fast" as const };
  const scanned = await ended("scan", good(await client.POST("/v1/scans", { body: scan, bodySerializer: form })).id);
  assert((scanned.result?.verdicts["match"] ?? 0) > 0);
  const findings = { params: { path: { job_id: scanned.id } }, parseAs: "text" as const };
  const lines = good(await client.GET("/v1/jobs/{job_id}/findings", findings));
  assert.equal(lines.trim().split("\n").length, scanned.result?.items);
  const [work] = good(await client.GET("/v1/works")).works;
  assert(work !== undefined);
  const params = { path: { work_id: work.id } };
  const change = { album: "Streets", owner: null };
  assert.equal(good(await client.PATCH("/v1/works/{work_id}", { params, body: change })).album, "Streets");
  assert.equal(good(await client.GET("/v1/works/{work_id}", { params })).title, "Tin Parade");
  assert.equal(good(await client.DELETE("/v1/works/{work_id}", { params })).items, 1);
  assert.equal(problem(await client.GET("/v1/works/{work_id}", { params })).code, "no_such_work");
}

async function check(): Promise<void> {
  const batch = crypto.randomUUID().replaceAll("-", "");
  const ids: string[] = [];
  for (const name of ["tin_parade.mp3", "slow_harbour.mp3"]) {
    const fields = { collections: ["scraped-ts:1"], effort: "fast" as const, batch };
    const body = { file: await file("originals", name), ...fields };
    ids.push(good(await client.POST("/v1/checks", { body, bodySerializer: form })).id);
  }
  const [first = "", second = ""] = ids;
  const job = await ended("check", first);
  const finding = job.result;
  assert(finding !== null && finding.verdict === "match");
  const [match] = finding.matches;
  assert(match !== undefined && match.collection === "scraped-ts" && match.e_value < 1e-4);
  assert((match.segments[0]?.query_end_s ?? 0) > 0);
  await ended("check", second);
  const together = good(await client.GET("/v1/batches/{batch_id}", { params: { path: { batch_id: batch } } }));
  assert.deepEqual([together.total, together.ended], [2, 2]);
  const evidence = good(await client.GET("/v1/jobs/{job_id}/evidence", { params: { path: { job_id: job.id } } }));
  assert.equal(evidence.contents.findings[0]?.verdict, "match");
  assert.equal(evidence.contents.hashes[0]?.query.sha256, finding.item.sha256);
}

async function cancel(): Promise<void> {
  const body = { file: await file("scraped.zip"), name: "never-ts" };
  const job = good(await client.POST("/v1/collections", { body, bodySerializer: form }));
  const path = { job_id: job.id };
  good(await client.POST("/v1/jobs/{job_id}/cancel", { params: { path } }));
  const after = good(await client.GET("/v1/jobs/{job_id}", { params: { path, query: { wait: patienceSeconds } } }));
  assert.equal(after.state, "cancelled");
  const { jobs } = good(await client.GET("/v1/jobs", { params: { query: { state: ["cancelled"] } } }));
  assert(jobs.some((each) => each.id === job.id));
}

async function catalogue(): Promise<void> {
  const body = { works: [{ artist: "Night Bus", title: "Tin Parade" }, { isrc: ["DEA122400001"] }] };
  const { works } = good(await client.POST("/v1/catalogue/checks", { body }));
  assert.deepEqual(works.map((each) => each.names[0]?.dataset), ["listed", "listed"]);
}

async function catalogueFile(): Promise<void> {
  const table = new File(["artist,title\nNight Bus,Tin Parade\n"], "works.csv") as unknown as string;
  const sent = { body: { file: table }, bodySerializer: form };
  assert.equal(good(await client.POST("/v1/catalogue/checks/file", sent)).named, 1);
}

async function problems(): Promise<void> {
  const path = { job_id: "0".repeat(32) };
  const missing = problem(await client.GET("/v1/jobs/{job_id}", { params: { path } }));
  assert.deepEqual([missing.status, missing.code], [404, "job_not_found"]);
  const body = { file: await file("originals", "tin_parade.mp3"), batch: "wrong" };
  assert.equal(problem(await client.POST("/v1/checks", { body, bodySerializer: form })).status, 422);
  const stranger = createClient<paths>({ baseUrl: address });
  assert.deepEqual(problem(await stranger.GET("/v1/works")).code, "not_allowed");
}

for (const step of [index, register, check, cancel, catalogue, catalogueFile, problems]) await step();
console.log("the TypeScript client did everything");
