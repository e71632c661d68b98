namespace CozeCluster;

/// <summary>Names of blobs.</summary>
public static class BlobName
{
    private const int MaxLength = 100;

    /// <summary>A file name as a client gave it, without path, control characters and what file systems do not take; its last 100 characters; <c>file</c> if nothing is left.</summary>
    public static string Sanitize(string name)
    {
        var last = name.AsSpan()[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var clean = new string([.. last.ToString().Where(c => !char.IsControl(c) && !"<>:\"|?*".Contains(c))]).Trim(' ', '.');
        if (clean.Length > MaxLength) clean = clean[^MaxLength..];
        return clean.Length == 0 ? "file" : clean;
    }
}
