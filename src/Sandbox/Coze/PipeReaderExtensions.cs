using System.Buffers;
using System.IO.Pipelines;

namespace CozeCluster.Sandbox.Coze;

internal static class PipeReaderExtensions
{
    /// <summary>The whole body; its size is bounded by the server's limit.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadToEndAsync(this PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
