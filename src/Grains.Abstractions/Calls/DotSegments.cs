namespace CozeCluster;

/// <summary>
/// Parts of a path that are one dot or two. Clients, proxies and servers resolve them (RFC 3986, section 5.2.4), so the path of a thing with such a name leads
/// to something else.
/// </summary>
public static class DotSegments
{
    /// <summary>What error messages say of a name that has one.</summary>
    public const string Refusal = "must not be '.' or '..', or have such a part between slashes";

    /// <summary>Whether a name is <c>.</c> or <c>..</c>, or has such a part between slashes. Some clients take a backslash for a slash.</summary>
    public static bool AreIn(ReadOnlySpan<char> name)
    {
        foreach (var part in name.SplitAny('/', '\\'))
        {
            if (name[part] is "." or "..") return true;
        }
        return false;
    }
}
