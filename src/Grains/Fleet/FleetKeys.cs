namespace CozeCluster.Grains;

/// <summary>Converts API keys to what rows hold of them, and back. A key has a row for its secret, and one for the secret before it.</summary>
internal static class FleetKeys
{
    /// <summary>The rows of a key, by their ids.</summary>
    public static IEnumerable<(string Hash, ApiKeyInfo Info)> ToRows(string tenantId, ApiKeyDefinition key)
    {
        var info = new ApiKeyInfo(tenantId, key.Name, key.Admin)
        {
            ErrorText = key.ErrorText,
            Compat = key.Compat,
            Models = key.Models,
            IpRanges = key.IpRanges,
            ExpiresAt = key.ExpiresAt,
            Disabled = key.Disabled,
            Limits = key.Limits,
            Hint = key.Hint,
            ShowBot = key.ShowBot,
            Role = key.Role,
        };
        yield return (key.Hash, info);
        if (key.Previous is not { } previous) yield break;
        // It ends when the key itself does.
        var end = key.ExpiresAt < previous.Until ? key.ExpiresAt : previous.Until;
        yield return (previous.Hash, info with { IsPrevious = true, ExpiresAt = end, Hint = null });
    }

    /// <summary>The keys of a tenant, ordered by name.</summary>
    public static IEnumerable<ApiKeyDefinition> ToDefinitions(IEnumerable<KeyValuePair<string, ApiKeyInfo>> rows)
    {
        foreach (var key in rows.GroupBy(row => row.Value.Name).OrderBy(key => key.Key, StringComparer.Ordinal))
        {
            if (key.FirstOrDefault(row => !row.Value.IsPrevious) is not { Key: { } hash, Value: { } info }) continue;
            var previous = key.FirstOrDefault(row => row.Value.IsPrevious);
            yield return new ApiKeyDefinition(info.Name, hash, info.Admin)
            {
                ErrorText = info.ErrorText,
                Compat = info.Compat,
                Models = info.Models,
                IpRanges = info.IpRanges,
                ExpiresAt = info.ExpiresAt,
                Disabled = info.Disabled,
                Limits = info.Limits,
                Hint = info.Hint,
                ShowBot = info.ShowBot,
                Role = info.Role,
                Previous = previous.Value?.ExpiresAt is { } until ? new PreviousApiKey(previous.Key, until) : null,
            };
        }
    }
}
