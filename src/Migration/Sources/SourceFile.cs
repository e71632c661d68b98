using System.Text;

namespace CozeCluster.Migration.Sources;

/// <summary>Reads the files of old configurations. They have limits, because a wrong path may name anything.</summary>
internal static class SourceFile
{
    /// <summary>Far more than any of these systems can use.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    public const int MaxDepth = 32;
    public const int MaxNodes = 200_000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a text file.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="name">What error messages call it.</param>
    /// <exception cref="MigrationException">It cannot be read, is too large, or is not text.</exception>
    public static string Read(string path, string name)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes) throw new MigrationException($"{name}: The file is larger than {MaxBytes} bytes.");
            return StrictUtf8.GetString(bytes, 0, length).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new MigrationException($"{name}: The file is not UTF-8 text.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new MigrationException($"{name}: The file cannot be read: {e.Message}");
        }
    }

    /// <summary>Parses a file by its name: JSON, YAML, or lines of variables.</summary>
    public static SourceNode Parse(string text, string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".json" => JsonSource.Parse(text, name),
        ".yml" or ".yaml" => YamlSource.Parse(text, name),
        _ => VariablesSource.Parse(text, name),
    };
}
