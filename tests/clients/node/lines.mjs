// What every adapter shares: jobs come in as lines of JSON, what became of them goes out as lines of JSON.
// The Python side of this is ../python/lines.py; the questions and the tool are the same.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { z } from "zod";

export const HELLO = "Say hello.";
export const RIVERS = "Tell me about rivers.";
export const WEATHER = "What is the weather in Zürich?";
export const PARIS = "How many people live in Paris?";
export const City = z.object({ name: z.string(), people: z.number().int() });
export const Place = z.object({ city: z.string() });
export const TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

/** A streamed text. An empty piece is none. */
export const told = (pieces) => ({ text: pieces.join(""), streamed: pieces.filter(Boolean).length > 1 });

/** Do jobs until there are none; `verbs` is a function each. `url` is the router's, without `/v1`. */
export async function serve(name, verbs) {
  console.log = console.info = console.warn = console.error; // what a library prints is no answer
  const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url)));
  say({ ready: `${name} ${version}`, verbs: Object.keys(verbs) });
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    const ran = [];
    const getWeather = ({ city }) => {
      ran.push(city);
      return "clear";
    };
    const job = { ...asked, baseURL: `${asked.url}/v1`, ran, getWeather };
    try {
      say(await verbs[asked.verb](job));
    } catch (error) {
      const kind = error?.constructor?.name ?? typeof error;
      say({ raised: kind, status: statusOf(error), message: String(error?.message ?? error).slice(0, 2000) });
    }
  }
}

/** What an app can find out: the library's own error, or what it names as the cause. */
function statusOf(error) {
  for (let one = error; one; one = one.cause ?? one.lastError) {
    const status = one.status ?? one.statusCode;
    if (typeof status === "number") return status;
  }
  return null;
}
