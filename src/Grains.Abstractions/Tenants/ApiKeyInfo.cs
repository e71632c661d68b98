using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The tenant and the rights of an API key.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="Name">The key's name for people.</param>
/// <param name="Admin">Whether the key gives access to the admin API instead of the tenant's API.</param>
public sealed record ApiKeyInfo(string TenantId, string Name, bool Admin)
{
    /// <summary>See <see cref="ApiKeyDefinition.ErrorText"/>.</summary>
    public bool ErrorText { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Compat"/>.</summary>
    public CompatMode Compat { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Models"/>.</summary>
    public IReadOnlyList<string> Models { get => field ?? []; init; }

    /// <summary>See <see cref="ApiKeyDefinition.IpRanges"/>.</summary>
    public IReadOnlyList<string> IpRanges { get => field ?? []; init; }

    /// <summary>See <see cref="ApiKeyDefinition.ExpiresAt"/>.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Disabled"/>.</summary>
    public bool Disabled { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Limits"/>.</summary>
    public LimitsDefinition? Limits { get; init; }

    /// <summary>Whether it is the secret that the key had before; see <see cref="ApiKeyDefinition.Previous"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsPrevious { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Hint"/>.</summary>
    public string? Hint { get; init; }

    /// <summary>What an admin key may do; null for the key of a tenant. See <see cref="ApiKeyDefinition.Role"/>.</summary>
    public AdminRole? Role { get => Admin ? field ?? AdminRole.Owner : null; init; }

    /// <summary>See <see cref="ApiKeyDefinition.ShowBot"/>.</summary>
    public bool ShowBot { get; init; }

    /// <summary>The error of a key that nobody has.</summary>
    public static Error Unknown { get; } = new(ErrorCode.InvalidApiKey, "The API key is not valid. Send a valid key.");

    /// <summary>The error of an admin key on a route of tenants.</summary>
    public static Error AdminOnly { get; } = new(
        ErrorCode.PermissionDenied, "This is an admin key, which is valid for the admin API only. Send the API key of a tenant.");

    /// <summary>Why the key is not valid at a time; null if it is.</summary>
    public Error? FindProblem(DateTimeOffset now)
    {
        if (Disabled) return new Error(ErrorCode.InvalidApiKey, "This API key is disabled. Send another key.");
        return ExpiresAt <= now ? new Error(ErrorCode.InvalidApiKey, "This API key has expired. Send another key.") : null;
    }

    /// <summary>Whether the key may use a model of its tenant.</summary>
    public bool MayUse(string model) => Models.Count == 0 || Models.Contains(model);
}
