using System.Buffers;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// Writes the body of <c>POST /v1/messages</c>. <see cref="ClaudePlan"/> decides what is sent. Settings that Claude does not have are left out: penalties,
/// seed, verbosity, and OpenAI's own fields.
/// </summary>
internal static class ClaudeRequest
{
    // Writes Chinese text as it is instead of escaping it. The stricter escaping of the default encoder protects HTML pages only.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Creates the content of a request.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="plan">What is sent besides the prompt.</param>
    /// <param name="files">The uploaded files of the prompt, by blob id.</param>
    /// <param name="blobs">The store of the files.</param>
    public static HttpContent Create(UpstreamTurn turn, ClaudePlan plan, IReadOnlyDictionary<string, ClaudeFile> files, IBlobStore blobs)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var places = new List<(int Position, BlobRef Blob)>();
        using (var json = new Utf8JsonWriter(buffer, Options)) new Writer(json, files, places).Write(turn, plan);
        return new ClaudeBody(blobs, buffer.WrittenMemory, places) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    // The API asks for an opaque id. Ids of users may be e-mail addresses.
    private static string HashUser(string user) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(user)));

    private readonly struct Writer(Utf8JsonWriter json, IReadOnlyDictionary<string, ClaudeFile> files, List<(int Position, BlobRef Blob)> places)
    {
        public void Write(UpstreamTurn turn, ClaudePlan plan)
        {
            json.WriteStartObject();
            json.WriteString("model"u8, turn.Bot.UpstreamBotId);
            json.WriteNumber("max_tokens"u8, plan.MaxTokens);
            json.WriteBoolean("stream"u8, true);
            if (plan.Prompt.System.Count > 0)
            {
                json.WriteStartArray("system"u8);
                foreach (var text in plan.Prompt.System) WriteText(text);
                json.WriteEndArray();
            }
            WriteTools(plan);
            json.WriteStartArray("messages"u8);
            foreach (var message in plan.Prompt.Messages)
            {
                json.WriteStartObject();
                json.WriteString("role"u8, message.IsUser ? "user"u8 : "assistant"u8);
                WriteBlocks("content"u8, message.Content);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteSettings(turn, plan);
            json.WriteEndObject();
        }

        private void WriteSettings(UpstreamTurn turn, ClaudePlan plan)
        {
            if (plan.Temperature is { } temperature) json.WriteNumber("temperature"u8, temperature);
            if (plan.TopP is { } topP) json.WriteNumber("top_p"u8, topP);
            if (plan.Stop.Count > 0)
            {
                json.WriteStartArray("stop_sequences"u8);
                foreach (var stop in plan.Stop) json.WriteStringValue(stop);
                json.WriteEndArray();
            }
            WriteThinking(plan);
            if (plan.Effort is not null || plan.Format is not null)
            {
                json.WriteStartObject("output_config"u8);
                if (plan.Effort is { } effort) json.WriteString("effort"u8, effort);
                if (plan.Format is { } schema)
                {
                    json.WriteStartObject("format"u8);
                    json.WriteString("type"u8, "json_schema"u8);
                    json.WritePropertyName("schema"u8);
                    WriteRaw(schema);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
            json.WriteStartObject("metadata"u8);
            json.WriteString("user_id"u8, HashUser(turn.User));
            json.WriteEndObject();
            if (plan.Options.ServiceTier is { } tier) json.WriteString("service_tier"u8, tier);
            if (plan.Options.PromptCache is { } lifetime)
            {
                json.WriteStartObject("cache_control"u8);
                json.WriteString("type"u8, "ephemeral"u8);
                json.WriteString("ttl"u8, lifetime);
                json.WriteEndObject();
            }
        }

        private void WriteThinking(ClaudePlan plan)
        {
            if (plan is { ThinkingBudget: null, IsAdaptive: false }) return;
            json.WriteStartObject("thinking"u8);
            if (plan.ThinkingBudget is { } budget)
            {
                json.WriteString("type"u8, "enabled"u8);
                json.WriteNumber("budget_tokens"u8, budget);
            }
            else
            {
                json.WriteString("type"u8, "adaptive"u8);
                // Some models send no thinking by default.
                json.WriteString("display"u8, "summarized"u8);
            }
            json.WriteEndObject();
        }

        private void WriteTools(ClaudePlan plan)
        {
            if (plan.Tools.Count == 0) return;
            json.WriteStartArray("tools"u8);
            foreach (var tool in plan.Tools)
            {
                json.WriteStartObject();
                json.WriteString("name"u8, tool.Name);
                if (tool.Description is { Length: > 0 } description) json.WriteString("description"u8, description);
                if (tool.IsStrict) json.WriteBoolean("strict"u8, true);
                json.WritePropertyName("input_schema"u8);
                WriteRaw(tool.Schema);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            if (plan.ToolChoice is not { } choice) return;
            json.WriteStartObject("tool_choice"u8);
            json.WriteString("type"u8, choice.Type);
            if (choice.Name is { } name) json.WriteString("name"u8, name);
            if (choice.IsSingle) json.WriteBoolean("disable_parallel_tool_use"u8, true);
            json.WriteEndObject();
        }

        // As it was received: the writer would refuse half of a surrogate pair.
        private void WriteRaw(JsonElement value) => json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

        private void WriteBlocks(ReadOnlySpan<byte> name, IReadOnlyList<ClaudeBlock> blocks)
        {
            json.WriteStartArray(name);
            foreach (var block in blocks) WriteBlock(block);
            json.WriteEndArray();
        }

        private void WriteBlock(ClaudeBlock block)
        {
            switch (block)
            {
                case ClaudeText { Text: var text }:
                    WriteText(text);
                    break;
                case ClaudeMedia media:
                    WriteMedia(media);
                    break;
                case ClaudeToolUse call:
                    json.WriteStartObject();
                    json.WriteString("type"u8, "tool_use"u8);
                    json.WriteString("id"u8, call.Id);
                    json.WriteString("name"u8, call.Name);
                    json.WritePropertyName("input"u8);
                    WriteRaw(call.Input);
                    json.WriteEndObject();
                    break;
                case ClaudeToolResult result:
                    json.WriteStartObject();
                    json.WriteString("type"u8, "tool_result"u8);
                    json.WriteString("tool_use_id"u8, result.Id);
                    if (result.Content.Count > 0) WriteBlocks("content"u8, result.Content);
                    json.WriteEndObject();
                    break;
            }
        }

        private void WriteText(string text)
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "text"u8);
            json.WriteString("text"u8, text);
            json.WriteEndObject();
        }

        private void WriteMedia(ClaudeMedia media)
        {
            var file = media.Source.Blob is { } blob ? files[blob.Id] : null;
            json.WriteStartObject();
            json.WriteString("type"u8, file is null ? media.IsImage ? "image"u8 : "document"u8 : file.Kind == ClaudeFileKind.Image ? "image"u8 : "document"u8);
            json.WriteStartObject("source"u8);
            if (file is null)
            {
                json.WriteString("type"u8, "url"u8);
                json.WriteString("url"u8, media.Source.Url);
            }
            else if (file.Kind == ClaudeFileKind.Text)
            {
                json.WriteString("type"u8, "text"u8);
                json.WriteString("media_type"u8, file.MediaType);
                json.WriteString("data"u8, file.Text);
            }
            else
            {
                json.WriteString("type"u8, "base64"u8);
                json.WriteString("media_type"u8, file.MediaType);
                json.WriteString("data"u8, ""u8);
                json.Flush();
                places.Add(((int)json.BytesCommitted - 1, media.Source.Blob!));
            }
            json.WriteEndObject();
            if (file is { Kind: not ClaudeFileKind.Image } && media.Source.Blob!.Name is { Length: > 0 and <= ClaudeLimits.MaxTitle } title)
                json.WriteString("title"u8, title);
            json.WriteEndObject();
        }
    }
}
