// Mistral's SDK for Node.

import { Mistral } from "@mistralai/mistralai";

import { City, HELLO, PARIS, RIVERS, TOOL, WEATHER, serve, told } from "./lines.mjs";

const client = (job) => new Mistral({ serverURL: job.url, apiKey: job.key });
const user = (content) => [{ role: "user", content }];
// Without what was thought, which this SDK gets as parts of the content.
const textOf = (content) =>
  Array.isArray(content) ? content.map((part) => (part.type === "text" ? part.text : "")).join("") : (content ?? "");

/** The SDK leaves it to its user to put the fragments of a call together. */
function joined(fragments) {
  const calls = new Map();
  for (const fragment of fragments) {
    const call = calls.get(fragment.index);
    if (call) call.function.arguments += fragment.function.arguments;
    else calls.set(fragment.index, fragment);
  }
  return [...calls.values()];
}

async function streamed(job, messages) {
  const deltas = [];
  for await (const event of await client(job).chat.stream({ model: job.model, messages, tools: [TOOL] })) {
    deltas.push(event.data.choices[0].delta);
  }
  const content = deltas.map((delta) => textOf(delta.content)).join("");
  return { role: "assistant", content, toolCalls: joined(deltas.flatMap((delta) => delta.toolCalls ?? [])) };
}

async function plain(job, messages) {
  return (await client(job).chat.complete({ model: job.model, messages, tools: [TOOL] })).choices[0].message;
}

async function loop(job, turn) {
  const messages = user(WEATHER);
  for (;;) {
    const answer = await turn(job, messages);
    if (!answer.toolCalls?.length) return { text: textOf(answer.content), ran: job.ran };
    messages.push(answer);
    for (const call of answer.toolCalls) {
      const content = job.getWeather(JSON.parse(call.function.arguments));
      messages.push({ role: "tool", name: call.function.name, toolCallId: call.id, content });
    }
  }
}

await serve("@mistralai/mistralai", {
  async chat(job) {
    const answer = await client(job).chat.complete({ model: job.model, messages: user(HELLO) });
    return { text: textOf(answer.choices[0].message.content) };
  },
  async stream(job) {
    const pieces = [];
    for await (const event of await client(job).chat.stream({ model: job.model, messages: user(RIVERS) })) {
      pieces.push(textOf(event.data.choices[0].delta.content));
    }
    return told(pieces);
  },
  tools: (job) => loop(job, plain),
  tools_stream: (job) => loop(job, streamed),
  async structured(job) {
    const asked = { model: job.model, messages: user(PARIS), responseFormat: City };
    return (await client(job).chat.parse(asked)).choices[0].message.parsed;
  },
});
