using System.Text;

namespace CozeCluster;

/// <summary>
/// How many tokens a turn may use, as it is known before the turn is sent. Most texts have less than one token for two bytes of UTF-8. What was estimated too
/// high becomes free when the turn has ended.
/// </summary>
public static class TurnEstimate
{
    /// <summary>The output that is expected if the client sets no limit, or if its limit has no effect.</summary>
    public const long DefaultOutput = 4096;

    /// <summary>The tokens of an image, a file or a recording.</summary>
    public const long PerFile = 1500;

    /// <summary>The tokens of a text with this many bytes of UTF-8.</summary>
    public static long OfBytes(long bytes) => (bytes + 1) / 2;

    /// <summary>The tokens of a request's prompt and tools.</summary>
    public static long InputOf(TurnRequest request)
    {
        var (bytes, files) = (0L, 0L);
        foreach (var message in request.Messages)
        {
            foreach (var part in message.Content)
            {
                if (part is TextContent text) bytes += Encoding.UTF8.GetByteCount(text.Text);
                else files++;
            }
            bytes += SizeOf(message.Reasoning);
            foreach (var call in message.ToolCalls) bytes += call.Name.Length + Encoding.UTF8.GetByteCount(call.Arguments);
        }
        foreach (var output in request.ToolOutputs) bytes += Encoding.UTF8.GetByteCount(output.Output);
        foreach (var tool in request.Settings.Tools) bytes += tool.Name.Length + SizeOf(tool.Description) + SizeOf(tool.Parameters);
        return OfBytes(bytes + SizeOf(request.Settings.Format?.Schema)) + files * PerFile;
    }

    /// <summary>The tokens of the reply.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isLanguageModel">Whether the client determines the longest output. A bot ignores what the client asks for.</param>
    public static long OutputOf(TurnRequest request, bool isLanguageModel) => OutputOf(request.Settings.MaxOutputTokens, isLanguageModel);

    /// <summary>The tokens of the reply.</summary>
    /// <param name="maxOutput">The longest output that the client allows; null: it does not say.</param>
    /// <param name="isLanguageModel">Whether the client determines the longest output.</param>
    public static long OutputOf(long? maxOutput, bool isLanguageModel) => isLanguageModel && maxOutput is { } max ? max : DefaultOutput;

    private static long SizeOf(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
