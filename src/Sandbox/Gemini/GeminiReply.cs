using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>Plans one reply, and writes it as its script says: as one object, as an array of objects, or as server-sent events.</summary>
internal sealed class GeminiReply
{
    private const int MaxEchoLength = 400;

    // An image of one pixel.
    private const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    // An abort discards bytes that the socket has not sent yet. This delay is about the network, so it uses the system clock.
    private static readonly TimeSpan AbortDelay = TimeSpan.FromMilliseconds(30);

    private readonly FakeGemini _gemini;
    private readonly SeededModel _model;
    private readonly JsonObject _request;
    private readonly GeminiScript _script;
    private readonly GeminiCall _call;
    private readonly string _responseId = Guid.NewGuid().ToString("n")[..22];
    private readonly List<JsonObject> _thoughts = [];
    private readonly List<JsonObject> _texts = [];
    private readonly List<JsonObject> _others = [];
    private readonly string _finish;
    private int _outputSent;

    private GeminiReply(FakeGemini gemini, SeededModel model, JsonObject request, GeminiScript script, GeminiCall call)
    {
        (_gemini, _model, _request, _script, _call) = (gemini, model, request, script, call);
        _finish = Plan();
    }

    /// <summary>Counts the tokens of a prompt: about four characters each.</summary>
    public static int CountTokens(JsonObject request) =>
        1 + ((request["contents"]?.ToJsonString().Length ?? 0) + (request["systemInstruction"]?.ToJsonString().Length ?? 0)) / 4;

    /// <summary>Answers a request that has been checked.</summary>
    public static async Task RunAsync(
        HttpContext http, FakeGemini gemini, SeededModel model, string key, JsonObject request, bool isStream, bool isSse)
    {
        var question = request["contents"]!.AsArray().Where(content => (string?)content!["role"] is null or "user")
            .SelectMany(content => content!["parts"]!.AsArray()).Select(part => (string?)part!["text"]).LastOrDefault(text => !string.IsNullOrWhiteSpace(text));
        var (prompt, script) = GeminiDirectives.Parser.ParsePrompt(question ?? "", gemini.Scripts.Take());
        if (script.FirstByte > TimeSpan.Zero) await Task.Delay(script.FirstByte, gemini.Time, http.RequestAborted);
        if (script.EarlyError is { } early)
        {
            var error = GeminiException.Scripted(early, script.Reason, script.RetryAfter);
            // Without SSE, the error of a stream is in an array.
            if (!isStream || isSse) throw error;
            await GeminiRoutes.WriteAsync(http, new JsonArray(error.ToJson()), early);
            return;
        }
        if (script.Http is { } status)
        {
            if (script.RetryAfter is { } wait) http.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
            await FaultInjector.WriteProxyErrorAsync(http, status);
            return;
        }
        var call = gemini.Add(model.Name, key, prompt, request);
        var reply = new GeminiReply(gemini, model, request, script, call);
        using var pacer = new Pacer(gemini.Time);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, gemini.Stopping);
        await using var stop = gone.Token.Register(pacer.Stop);
        try
        {
            if (isStream) await reply.StreamAsync(http, pacer, isSse);
            else await reply.WriteWholeAsync(http, pacer);
        }
        finally
        {
            call.ClientGone |= http.RequestAborted.IsCancellationRequested && call is { Ended: false };
            call.Ended = true;
            gemini.NotifyChanged();
        }
    }

    // Returns the reason of finishing.
    private string Plan()
    {
        var contents = _request["contents"]!.AsArray();
        var results = contents[^1]!["parts"]!.AsArray().Where(part => part!["functionResponse"] is not null).ToList();
        if (results.Count == 0 && contents.Count > 1 && contents[^2]!["parts"]![0]!["functionResponse"] is not null)
            results = [.. contents[^2]!["parts"]!.AsArray()];
        var config = _request["generationConfig"] as JsonObject;
        if (_script.Reasoning > 0 && config?["thinkingConfig"]?["includeThoughts"]?.GetValue<bool>() == true)
        {
            foreach (var chunk in Generate(_script.Seed + 7, _script.Reasoning).Chunks) _thoughts.Add(TextPart(chunk, isThought: true));
        }
        if (FindCalls(results.Count > 0) is { Count: > 0 } calls)
        {
            _others.AddRange(calls);
            return _script.Finish ?? "STOP";
        }
        var text = CreateAnswer(results, config);
        var finish = _script.Finish ?? "STOP";
        foreach (var stop in config?["stopSequences"]?.AsArray() ?? [])
        {
            if (text.Text.IndexOf((string)stop!, StringComparison.Ordinal) is >= 0 and var found) text = Split(text.Text[..found]);
        }
        // Each chunk counts as a token.
        var most = (int?)config?["maxOutputTokens"] ?? int.MaxValue;
        if (text.Chunks.Length > most) finish = "MAX_TOKENS";
        foreach (var chunk in text.Chunks.Take(most)) _texts.Add(TextPart(chunk, isThought: false));
        _call.Answer = string.Concat(_texts.Select(part => (string)part["text"]!));
        if (_script.Image) _others.Add(new JsonObject { ["inlineData"] = new JsonObject { ["mimeType"] = "image/png", ["data"] = Pixel } });
        return finish;
    }

    private ChunkedText CreateAnswer(List<JsonNode?> results, JsonObject? config)
    {
        if (_script.Dictated is { } dictated) return Split(dictated);
        if ((string?)config?["responseMimeType"] == "application/json")
            return Split((GeminiSchema.CreateInstance(config["responseJsonSchema"] ?? config["responseSchema"]) ?? new JsonObject()).ToJsonString());
        if (_script.IsGenerated) return Generate(_script.Seed, _script.Chunks ?? 20);
        var outputs = results.Select(part => part!["functionResponse"]!["response"]!.ToJsonString());
        var tools = results.Count == 0 ? "" : $" The tools returned: {string.Join("; ", outputs)}.";
        var prompt = _call.Prompt.Length > MaxEchoLength ? _call.Prompt[..MaxEchoLength] : _call.Prompt;
        return Split($"You said: {prompt}\n\nThis is the Gemini sandbox, glad to hear from you.{tools}");
    }

    private List<JsonObject> FindCalls(bool hasResults)
    {
        var declared = (_request["tools"]?.AsArray() ?? []).SelectMany(tool => tool!["functionDeclarations"]?.AsArray() ?? []).ToList();
        var config = _request["toolConfig"]?["functionCallingConfig"];
        IReadOnlyList<string> names = hasResults || (string?)config?["mode"] == "NONE" ? [] : _script.Tools;
        var allowed = config?["allowedFunctionNames"]?.AsArray().Select(name => (string)name!).ToList();
        if (allowed is { Count: > 0 }) names = [.. names.Where(allowed.Contains)];
        if (names.Count == 0 && (string?)config?["mode"] == "ANY")
            names = [(string?)config["allowedFunctionNames"]?[0] ?? (string)declared[0]!["name"]!];
        var parts = new List<JsonObject>();
        foreach (var name in names)
        {
            var function = declared.Find(one => (string?)one!["name"] == name);
            var schema = function?["parametersJsonSchema"] ?? function?["parameters"];
            var call = new JsonObject
            {
                ["name"] = name,
                ["args"] = _script.Args is { } args ? JsonNode.Parse(args) : GeminiSchema.CreateInstance(schema) ?? new JsonObject { ["query"] = "sandbox" },
            };
            if (_script.CallIds) call["id"] = $"call{Guid.NewGuid():n}"[..16];
            var part = new JsonObject { ["functionCall"] = call };
            // Only the first of several calls is signed.
            if (_model.Thinks && parts.Count == 0 && _script.SignatureLength > 0) part["thoughtSignature"] = _gemini.Sign(_script.SignatureLength);
            parts.Add(part);
        }
        return parts;
    }

    private async Task WriteWholeAsync(HttpContext http, Pacer pacer)
    {
        if (!await pacer.WaitAsync(_script.Think)) return;
        if (_script.Error is { } code) throw GeminiException.Scripted(code, _script.Reason, _script.RetryAfter);
        _outputSent = _texts.Count;
        var parts = new JsonArray();
        AddText(_thoughts, isThought: true);
        AddText(_texts, isThought: false);
        foreach (var part in _others) parts.Add(part);
        _call.Ended = true;
        await GeminiRoutes.WriteAsync(http, _script.Block is null ? Record(parts, _finish) : BlockedRecord());

        void AddText(List<JsonObject> chunks, bool isThought)
        {
            if (chunks.Count == 0) return;
            var text = string.Concat(chunks.Select(part => (string)part["text"]!));
            parts.Add(isThought ? new JsonObject { ["text"] = text, ["thought"] = true } : new JsonObject { ["text"] = text });
        }
    }

    private async Task StreamAsync(HttpContext http, Pacer pacer, bool isSse)
    {
        var writer = new GeminiWriter(http, _script, isSse);
        if (_script.Block is not null)
        {
            await writer.WriteAsync(BlockedRecord());
            _call.Ended = true;
            await writer.EndAsync();
            return;
        }
        foreach (var part in _thoughts)
        {
            if (!await pacer.WaitAsync(_script.Pace)) return;
            await writer.WriteAsync(Record([part], finish: null));
        }
        if (!await pacer.WaitAsync(_script.Think)) return;
        foreach (var part in _texts)
        {
            if (!await ApplyFaultsAsync(http, writer, pacer, isEnd: false) || !await pacer.WaitAsync(_script.Pace)) return;
            _outputSent++;
            await writer.WriteAsync(Record([part], finish: null));
            _call.ChunksSent++;
            _gemini.NotifyChanged();
        }
        if (!await ApplyFaultsAsync(http, writer, pacer, isEnd: true)) return;
        foreach (var part in _others) await writer.WriteAsync(Record([part], finish: null));
        // Set first: a client that has read the end must find the call ended.
        _call.Ended = true;
        await writer.WriteAsync(Record([new JsonObject { ["text"] = "" }], _finish));
        await writer.EndAsync();
    }

    // Applies the faults that the script wants after the chunks sent so far. False: the stream is over.
    private async Task<bool> ApplyFaultsAsync(HttpContext http, GeminiWriter writer, Pacer pacer, bool isEnd)
    {
        bool IsDue(int? after) => after is { } count && (_call.ChunksSent == count || (isEnd && _call.ChunksSent < count));

        if (IsDue(_script.DisconnectAfter))
        {
            await Task.Delay(AbortDelay, TimeProvider.System, CancellationToken.None);
            _call.Ended = true;
            http.Abort();
            return false;
        }
        if (IsDue(_script.StallAfter) && !await pacer.WaitAsync(_script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        if (_script.Error is { } code && IsDue(_script.ErrorAfter))
        {
            _call.Ended = true;
            await writer.WriteErrorAsync(GeminiException.Scripted(code, _script.Reason, _script.RetryAfter).ToJson());
            return false;
        }
        if (!IsDue(_script.CutAfter)) return true;
        _call.Ended = true;
        return false;
    }

    private JsonObject Record(JsonArray parts, string? finish)
    {
        var candidate = new JsonObject { ["content"] = new JsonObject { ["parts"] = parts, ["role"] = "model" }, ["index"] = 0 };
        if (finish is not null) candidate["finishReason"] = finish;
        return new JsonObject
        {
            ["candidates"] = new JsonArray(candidate),
            ["usageMetadata"] = CreateUsage(),
            ["modelVersion"] = _model.Name,
            ["responseId"] = _responseId,
        };
    }

    private JsonObject BlockedRecord() => new()
    {
        ["promptFeedback"] = new JsonObject { ["blockReason"] = _script.Block },
        ["usageMetadata"] = new JsonObject { ["promptTokenCount"] = CountTokens(_request), ["totalTokenCount"] = CountTokens(_request) },
        ["modelVersion"] = _model.Name,
        ["responseId"] = _responseId,
    };

    private JsonObject CreateUsage()
    {
        var input = _script.Usage?.Input ?? CountTokens(_request);
        var output = _script.Usage?.Output ?? _outputSent + _others.Count;
        var usage = new JsonObject { ["promptTokenCount"] = input, ["candidatesTokenCount"] = output, ["totalTokenCount"] = input + output + _thoughts.Count };
        if (_script.Cached is { } cached) usage["cachedContentTokenCount"] = cached;
        if (_thoughts.Count > 0) usage["thoughtsTokenCount"] = _thoughts.Count;
        return usage;
    }

    private ChunkedText Generate(int seed, int chunks) => ChunkedText.Generate(seed, _script.Text, chunks, _script.Chunk, ascii: false);

    private ChunkedText Split(string text) => ChunkedText.Split(text, _script.Chunk, ascii: false);

    private static JsonObject TextPart(byte[] escaped, bool isThought)
    {
        var part = new JsonObject { ["text"] = JsonNode.Parse($"\"{Encoding.UTF8.GetString(escaped)}\"") };
        if (isThought) part["thought"] = true;
        return part;
    }
}

/// <summary>Creates the smallest value that fits a JSON schema, for structured answers and the arguments of calls.</summary>
internal static class GeminiSchema
{
    private const int MaxDepth = 16;

    /// <summary>Creates a value; null if the schema is missing or says nothing.</summary>
    public static JsonNode? CreateInstance(JsonNode? schema, int depth = 0)
    {
        if (schema is not JsonObject json || depth > MaxDepth) return null;
        if (json["enum"] is JsonArray { Count: > 0 } choices) return choices[0]?.DeepClone();
        if (json["const"] is { } constant) return constant.DeepClone();
        if (json["anyOf"] is JsonArray { Count: > 0 } any) return CreateInstance(any[0], depth + 1);
        var type = json["type"] is JsonArray types ? (string?)types[0] : (string?)json["type"];
        switch (type?.ToLowerInvariant())
        {
            case "object":
                var made = new JsonObject();
                foreach (var (name, property) in json["properties"] as JsonObject ?? []) made[name] = CreateInstance(property, depth + 1);
                return made;
            case "array":
                return json["items"] is { } items ? new JsonArray(CreateInstance(items, depth + 1)) : new JsonArray();
            case "string":
                return "sandbox";
            case "integer" or "number":
                return json["minimum"]?.DeepClone() ?? 1;
            case "boolean":
                return true;
            default:
                return null;
        }
    }
}
