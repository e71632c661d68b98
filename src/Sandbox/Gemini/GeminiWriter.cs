using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>Writes the records of a stream: as server-sent events, or as the elements of one array.</summary>
internal sealed class GeminiWriter(HttpContext http, GeminiScript script, bool isSse)
{
    private static readonly JsonSerializerOptions Utf8 = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Ascii = new() { Encoder = JavaScriptEncoder.Default };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _newLine = script.CarriageReturn ? "\r\n" : "\n";
    private bool _hasStarted;

    /// <summary>Writes a record and sends it.</summary>
    public Task WriteAsync(JsonObject record)
    {
        var json = record.ToJsonString(script.AsciiOnly ? Ascii : Utf8);
        return SendAsync(isSse ? $"data: {json}{_newLine}{_newLine}" : (_hasStarted ? ",\r\n" : "[") + json);
    }

    /// <summary>Writes an error. Google also writes errors between the events that are no events, with line breaks in them.</summary>
    public Task WriteErrorAsync(JsonObject error) =>
        isSse && script.ErrorBare ? SendAsync(error.ToJsonString(Indented) + "\n") : WriteAsync(error);

    /// <summary>Ends the stream. There is no closing event.</summary>
    public Task EndAsync() => isSse ? Task.CompletedTask : SendAsync("]");

    private async Task SendAsync(string text)
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            http.Response.ContentType = isSse ? "text/event-stream" : "application/json; charset=UTF-8";
        }
        var bytes = Encoding.UTF8.GetBytes(text);
        foreach (var piece in script.Torn ? bytes.Chunk(1) : [bytes])
        {
            await http.Response.Body.WriteAsync(piece, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }
}
