// OpenAI's SDK for Node.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";

import { City, HELLO, PARIS, RIVERS, TOOL, WEATHER, serve, told } from "./lines.mjs";

const client = (job) => new OpenAI({ baseURL: job.baseURL, apiKey: job.key });
const user = (content) => [{ role: "user", content }];
const tool = (job) => ({
  ...TOOL,
  function: { ...TOOL.function, function: job.getWeather, parse: JSON.parse },
});

await serve("openai", {
  async chat(job) {
    const answer = await client(job).chat.completions.create({ model: job.model, messages: user(HELLO) });
    return { text: answer.choices[0].message.content };
  },
  async stream(job) {
    const asked = { model: job.model, messages: user(RIVERS), stream: true, stream_options: { include_usage: true } };
    const pieces = [];
    for await (const chunk of await client(job).chat.completions.create(asked)) {
      pieces.push(...chunk.choices.map((choice) => choice.delta.content ?? ""));
    }
    return told(pieces);
  },
  async tools(job) {
    const runner = client(job).chat.completions.runTools({ model: job.model, messages: user(WEATHER), tools: [tool(job)] });
    return { text: await runner.finalContent(), ran: job.ran };
  },
  async tools_stream(job) {
    const asked = { model: job.model, messages: user(WEATHER), tools: [tool(job)], stream: true };
    return { text: await client(job).chat.completions.runTools(asked).finalContent(), ran: job.ran };
  },
  async structured(job) {
    const asked = { model: job.model, messages: user(PARIS), response_format: zodResponseFormat(City, "City") };
    return (await client(job).chat.completions.parse(asked)).choices[0].message.parsed;
  },
  async responses(job) {
    return { text: (await client(job).responses.create({ model: job.model, input: HELLO })).output_text };
  },
  async responses_stream(job) {
    const pieces = [];
    for await (const event of await client(job).responses.create({ model: job.model, input: RIVERS, stream: true })) {
      if (event.type === "response.output_text.delta") pieces.push(event.delta);
    }
    return told(pieces);
  },
});
