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
}
