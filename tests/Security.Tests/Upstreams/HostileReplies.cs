using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Security.Tests.Upstreams;

/// <summary>How a server answers a request for a chat that must not do harm.</summary>
/// <param name="Codes">The codes that the error for the client may have, separated by bars.</param>
/// <param name="Answer">Answers the request.</param>
internal sealed record HostileReply(string Codes, Func<HttpContext, Task> Answer);

/// <summary>Hostile replies by name. None of them is a whole reply.</summary>
internal static class HostileReplies
{
    private const string Created =
        "event:conversation.chat.created\ndata:{\"id\":\"h1\",\"conversation_id\":\"c1\",\"bot_id\":\"b1\",\"status\":\"created\"}\n\n";
    private const string Done = "event:done\ndata:\"[DONE]\"\n\n";
    private const string Protocol = "upstream_protocol_error";
    private const string Lost = "upstream_outcome_unknown";
    private const string Timeout = "upstream_timeout";
    private const string Anything = ".*";

    public static IReadOnlyDictionary<string, HostileReply> All { get; } = new Dictionary<string, HostileReply>(StringComparer.Ordinal)
    {
        ["deltas of megabytes without end"] = new(Protocol, context => Stream(context, Endless(Delta(new string('x', 3 << 20))))),
        ["one delta beyond the limit of an event"] = new(Lost, context => Stream(context, [Created, Delta(new string('x', 5 << 20)), Done])),
        ["a stream without a line end"] = new(Protocol, context => Stream(context, Endless(new string('x', 64 << 10)))),
        ["an event without an end"] = new(Protocol, context => Stream(context, Endless("data: {\n"))),
        ["20,000 answers"] = new(Protocol, context => Stream(context, Many(20_000, number => Delta("x", $"m{number}")))),
        ["20,000 items"] = new(Protocol, context => Stream(context, Many(20_000, Call))),
        ["20,000 completed answers"] = new(Protocol, context => Stream(context, Many(20_000, number => Completed("x", $"m{number}")))),
        ["comments without end"] = new(Timeout, context => Stream(context, Endless(": still here\n\n"), pace: 100)),
        ["empty lines without end"] = new(Timeout, context => Stream(context, Endless("\n\n\r\n"), pace: 100)),
        ["empty deltas without end"] = new(Timeout, context => Stream(context, Endless(Delta("")), pace: 100)),
        ["unknown events without end"] = new(Timeout, context => Stream(context, Endless("event: weather\ndata: {}\n\n"), pace: 100)),
        ["no answer"] = new(Timeout, context => Task.Delay(System.Threading.Timeout.Infinite, context.RequestAborted)),
        ["invalid UTF-8 in a reply that is cut"] = new(Anything, context => Bytes(context, Created + Delta("%"))),
        ["invalid UTF-8 in the name of an event"] = new(Anything, context => Bytes(context, "event:%\ndata:%\n\n%:%\n\n" + Done)),
        ["invalid UTF-8 in a message of an error"] = new(
            Anything, context => Bytes(context, Created + "event:conversation.chat.failed\ndata:{\"last_error\":{\"code\":5000,\"msg\":\"%\"}}\n\n")),
        ["deltas without fields"] = new(Anything, context => Stream(context, Many(10, _ => "event:conversation.message.delta\ndata:{}\n\n"))),
        ["events of other types"] = new(
            Anything,
            context => Stream(context, ["event:conversation.message.delta\ndata:[1,2]\n\n", "event:conversation.message.completed\ndata:null\n\n", Done])),
        ["a chat that is a number"] = new(Anything, context => Stream(context, [Created, "event:conversation.chat.completed\ndata:7\n\n"])),
        ["fields of other types"] = new(Anything, context => Stream(context,
        [
            "event:conversation.message.delta\ndata:{\"id\":[],\"role\":7,\"type\":{\"a\":1},\"content\":{\"x\":[1]},\"content_type\":null}\n\n",
            "event:conversation.chat.failed\ndata:{\"id\":7,\"last_error\":[],\"usage\":\"many\"}\n\n",
        ])),
        ["the end without an answer"] = new(Anything, context => Stream(context, [Created, Done])),
        ["an empty stream"] = new(Anything, context => Stream(context, [])),
        ["JSON that is cut"] = new(
            Anything, context => Stream(context, [Created, Delta("Hello"), "event:conversation.message.delta\ndata:{\"id\":\"m1\",\"con"])),
        ["nesting without end"] = new(
            Anything,
            context => Stream(context, [Created, "event:conversation.message.delta\ndata:" + string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "\n\n"])),
        ["a number of tokens beyond all types"] = new(Anything, context => Stream(context,
            [Created, "event:conversation.chat.failed\ndata:{\"usage\":{\"token_count\":1e999},\"last_error\":{\"code\":1e400,\"msg\":7}}\n\n"])),
        ["a page"] = new(Protocol, context => Text(context, 200, "text/html", "<!doctype html><title>Welcome</title><script>alert(1)</script>")),
        ["a page as a stream"] = new(Anything, context => Text(context, 200, "text/event-stream", "<!doctype html>\n<title>Welcome</title>\n\n")),
        ["a page of a proxy"] = new(Anything, context => Text(context, 502, "text/html", "<html><body>Bad Gateway</body></html>")),
        ["an array"] = new(Anything, context => Text(context, 200, "application/json", "[]")),
        ["a success without a stream"] = new(Anything, context => Text(context, 200, "application/json", "{\"code\":0,\"msg\":\"success\",\"data\":{}}")),
        ["no content"] = new(Anything, context => Text(context, 204, null, "")),
        ["a status beyond all"] = new(Anything, context => Text(context, 999, "text/plain", "?")),
        ["JSON of a gigabyte"] = new(Anything, context => Text(context, 200, "application/json", Endless(" {"))),
        ["an error of a gigabyte"] = new(Anything, context => Text(context, 500, "application/json", Endless(new string(' ', 64 << 10)))),
        ["a bomb as a stream"] = new(Protocol, context => Bomb(context, "text/event-stream", 200, "x")),
        ["a bomb as an error"] = new(Anything, context => Bomb(context, "application/json", 400, " ")),
        ["a bomb as JSON"] = new(Anything, context => Bomb(context, "application/json", 200, " ")),
        ["a bomb that is none"] = new(Anything, context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return Text(context, 200, "text/event-stream", "this is no gzip");
        }),
        ["a bomb of Brotli that is none"] = new(Anything, context =>
        {
            context.Response.Headers.ContentEncoding = "br";
            return Text(context, 200, "application/json", "this is no brotli");
        }),
        ["twenty compressions"] = new(Anything, context =>
        {
            context.Response.Headers.ContentEncoding = string.Join(", ", Enumerable.Repeat("br", 20));
            return Text(context, 200, "text/event-stream", "this is no brotli");
        }),
        ["a header of a megabyte"] = new(Anything, context =>
        {
            context.Response.Headers["X-Tt-Logid"] = new string('x', 1 << 20);
            return Stream(context, [Created, Done]);
        }),
    };

    private static string Delta(string content, string id = "m1") => "event:conversation.message.delta\ndata:" + Message(content, id) + "\n\n";

    private static string Completed(string content, string id) => "event:conversation.message.completed\ndata:" + Message(content, id) + "\n\n";

    private static string Call(int number) =>
        "event:conversation.message.completed\ndata:" + Message("{\"name\":\"f\",\"arguments\":{}}", $"f{number}", "function_call") + "\n\n";

    private static string Message(string content, string id, string type = "answer") => new JsonObject
    {
        ["id"] = id, ["conversation_id"] = "c1", ["chat_id"] = "h1", ["bot_id"] = "b1", ["role"] = "assistant", ["type"] = type, ["content"] = content,
        ["content_type"] = "text",
    }.ToJsonString();

    private static IEnumerable<string> Endless(string text)
    {
        while (true) yield return text;
    }

    private static IEnumerable<string> Many(int count, Func<int, string> text) => [Created, .. Enumerable.Range(0, count).Select(text)];

    private static Task Stream(HttpContext context, IEnumerable<string> texts, int pace = 0) => Text(context, 200, "text/event-stream", texts, pace);

    private static Task Text(HttpContext context, int status, string? type, string text) => Text(context, status, type, [text]);

    private static async Task Text(HttpContext context, int status, string? type, IEnumerable<string> texts, int pace = 0)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, type);
        foreach (var text in texts)
        {
            if (text.Length > 0) await context.Response.WriteAsync(text, context.RequestAborted);
            if (pace > 0) await Task.Delay(pace, context.RequestAborted);
        }
    }

    /// <summary>Sends a stream with bytes that no UTF-8 has in place of each percent sign.</summary>
    private static async Task Bytes(HttpContext context, string text)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.WriteAsync(
            Encoding.Latin1.GetBytes(text.Replace("%", "\u00ff\u00c0\u0080", StringComparison.Ordinal)), context.RequestAborted);
    }

    /// <summary>Sends a gigabyte of one character, compressed.</summary>
    private static async Task Bomb(HttpContext context, string type, int status, string character)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, type);
        context.Response.Headers.ContentEncoding = "gzip";
        await using var zip = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
        var block = Encoding.ASCII.GetBytes(new string(character[0], 1 << 20));
        for (var megabytes = 0; megabytes < 1024; megabytes++) await zip.WriteAsync(block, context.RequestAborted);
    }
}
