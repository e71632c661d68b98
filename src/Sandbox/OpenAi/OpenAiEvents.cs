using System.Text;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>Sends the events of a stream in the form that a script wants.</summary>
internal sealed class OpenAiEvents(HttpContext http, WireFormat format)
{
    private readonly string _newLine = format.CarriageReturn ? "\r\n" : "\n";
    private readonly string _colon = format.SpaceAfterColon ? ": " : ":";

    /// <summary>Sends an event.</summary>
    /// <param name="data">Its data, in one line.</param>
    /// <param name="name">Its name; null: none.</param>
    public async Task SendAsync(string data, string? name = null)
    {
        http.RequestAborted.ThrowIfCancellationRequested();
        if (!http.Response.HasStarted) http.Response.ContentType = "text/event-stream; charset=utf-8";
        var head = name is null ? "" : $"event{_colon}{name}{_newLine}";
        var record = Encoding.UTF8.GetBytes($"{head}data{_colon}{data}{_newLine}{_newLine}");
        foreach (var piece in format.Torn ? record.Chunk(1) : [record])
        {
            await http.Response.Body.WriteAsync(piece, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }
}
