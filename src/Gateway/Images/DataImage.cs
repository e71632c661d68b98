using System.Buffers.Text;
using System.Text;

namespace CozeCluster.Gateway.Images;

/// <summary>Images that a bot put into its text.</summary>
internal static class DataImage
{
    private const string Marker = ";base64,";

    /// <summary>The bytes of a data URI; null if it is none, or not in base64.</summary>
    public static ReadOnlyMemory<byte>? TryRead(string url)
    {
        if (!url.StartsWith("data:", StringComparison.Ordinal) || url.IndexOf(Marker, StringComparison.Ordinal) is not (> 0 and var at)) return null;
        var base64 = Encoding.UTF8.GetBytes(url[(at + Marker.Length)..]);
        return Base64.DecodeFromUtf8InPlace(base64, out var length) == System.Buffers.OperationStatus.Done ? base64.AsMemory(0, length) : null;
    }
}
