// The Vercel AI SDK over one of its providers: `ai.mjs compatible|mistral|openai|responses`.

import { createMistral } from "@ai-sdk/mistral";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, generateText, stepCountIs, streamText, tool } from "ai";

import { City, HELLO, PARIS, Place, RIVERS, WEATHER, serve, told } from "./lines.mjs";

const kind = process.argv[2];
// `openai` without more speaks the Responses API.
const models = {
  compatible: (job) =>
    createOpenAICompatible({
      name: "router",
      baseURL: job.baseURL,
      apiKey: job.key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(job.model),
  mistral: (job) => createMistral({ baseURL: job.baseURL, apiKey: job.key })(job.model),
  openai: (job) => createOpenAI({ baseURL: job.baseURL, apiKey: job.key }).chat(job.model),
  responses: (job) => createOpenAI({ baseURL: job.baseURL, apiKey: job.key })(job.model),
};
const model = models[kind];
const tools = (job) => ({
  get_weather: tool({ description: "The weather in a city.", inputSchema: Place, execute: job.getWeather }),
});

/** The text's pieces. Errors come as parts of the stream, and are the reader's to raise. */
async function pieces(asked) {
  const found = [];
  for await (const part of streamText({ ...asked, onError: () => {} }).fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") found.push(part.text);
  }
  return found;
}

await serve(`@ai-sdk/${{ compatible: "openai-compatible", responses: "openai" }[kind] ?? kind}`, {
  chat: async (job) => ({ text: (await generateText({ model: model(job), prompt: HELLO })).text }),
  stream: async (job) => told(await pieces({ model: model(job), prompt: RIVERS })),
  async tools(job) {
    const asked = { model: model(job), prompt: WEATHER, tools: tools(job), stopWhen: stepCountIs(5) };
    return { text: (await generateText(asked)).text, ran: job.ran };
  },
  async tools_stream(job) {
    const asked = { model: model(job), prompt: WEATHER, tools: tools(job), stopWhen: stepCountIs(5) };
    return { text: (await pieces(asked)).join(""), ran: job.ran };
  },
  async structured(job) {
    const asked = { model: model(job), prompt: PARIS, output: Output.object({ schema: City }) };
    return (await generateText(asked)).output;
  },
});
