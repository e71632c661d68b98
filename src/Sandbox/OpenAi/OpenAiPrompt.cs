using System.Text.Json;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>What a request asks for, whichever of the two APIs it uses.</summary>
/// <param name="Text">The text of the last message of the user.</param>
/// <param name="MessageCount">The number of messages, or of items of the input.</param>
/// <param name="Length">The length of all of them as JSON.</param>
/// <param name="Results">The results of tools at the end.</param>
/// <param name="Tools">The names of the tools.</param>
/// <param name="ToolChoice">Whether the model has to call a tool; null: it decides.</param>
/// <param name="NamedTool">The tool that it has to call; null: any.</param>
/// <param name="WantsJson">Whether the answer has to be JSON.</param>
internal sealed record OpenAiPrompt(
    string Text, int MessageCount, int Length, IReadOnlyList<string> Results, IReadOnlyList<string> Tools, string? ToolChoice, string? NamedTool,
    bool WantsJson)
{
    /// <summary>Reads a request for a chat completion.</summary>
    public static OpenAiPrompt OfChat(JsonElement body)
    {
        var messages = body.GetProperty("messages").EnumerateArray().ToList();
        return Create(
            body,
            FindText(messages, "text"),
            messages,
            [.. messages.AsEnumerable().Reverse().TakeWhile(message => message.GetProperty("role").ValueEquals("tool")).Reverse()
                .Select(message => message.GetProperty("content").GetString()!)],
            tool => tool.GetProperty("function"),
            body.TryGetProperty("response_format", out var format) ? format : default);
    }

    /// <summary>Reads a request for a response.</summary>
    public static OpenAiPrompt OfResponse(JsonElement body)
    {
        var input = body.GetProperty("input");
        var items = input.ValueKind == JsonValueKind.Array ? input.EnumerateArray().ToList() : [input];
        return Create(
            body,
            input.ValueKind == JsonValueKind.String ? input.GetString()! : FindText(items, "input_text"),
            items,
            [.. items.AsEnumerable().Reverse().TakeWhile(item => TypeOf(item) == "function_call_output").Reverse()
                .Select(item => item.GetProperty("output").GetString()!)],
            tool => tool,
            body.TryGetProperty("text", out var text) && text.TryGetProperty("format", out var format) ? format : default);
    }

    /// <summary>The type of an item of an input. Messages may have none.</summary>
    public static string TypeOf(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("type", out var type) ? type.GetString()! : "message";

    private static OpenAiPrompt Create(
        JsonElement body, string text, IReadOnlyList<JsonElement> messages, IReadOnlyList<string> results, Func<JsonElement, JsonElement> functionOf,
        JsonElement format)
    {
        IReadOnlyList<string> tools = body.TryGetProperty("tools", out var given)
            ? [.. given.EnumerateArray().Select(tool => functionOf(tool).GetProperty("name").GetString()!)]
            : [];
        var choice = body.TryGetProperty("tool_choice", out var wanted) ? wanted : default;
        return new OpenAiPrompt(
            text, messages.Count, messages.Sum(message => message.GetRawText().Length), results, tools,
            choice.ValueKind == JsonValueKind.String ? choice.GetString() : null,
            choice.ValueKind == JsonValueKind.Object ? functionOf(choice).GetProperty("name").GetString() : null,
            format.ValueKind == JsonValueKind.Object && !format.GetProperty("type").ValueEquals("text"));
    }

    private static string FindText(IEnumerable<JsonElement> messages, string partType)
    {
        var message = messages.LastOrDefault(message => message.TryGetProperty("role", out var role) && role.ValueEquals("user"));
        if (message.ValueKind == JsonValueKind.Undefined) return "";
        var content = message.GetProperty("content");
        if (content.ValueKind == JsonValueKind.String) return content.GetString()!;
        var texts = content.EnumerateArray().Where(part => part.GetProperty("type").ValueEquals(partType));
        return string.Join('\n', texts.Select(part => part.GetProperty("text").GetString()));
    }
}
