namespace CozeCluster.Grains;

/// <summary>What the health grain stores.</summary>
public sealed class HealthRecords
{
    /// <summary>By kind and id, see <see cref="HealthGrain"/>.</summary>
    public Dictionary<string, HealthRecord> Entries { get; set; } = [];

    /// <summary>When operators were last told of a cause.</summary>
    public Dictionary<string, DateTimeOffset> Noticed { get; set; } = [];
}

/// <summary>How one thing stands, and what operators know of it.</summary>
public sealed class HealthRecord
{
    /// <summary>How it stands.</summary>
    public required HealthEntry Entry { get; set; }

    /// <summary>The state operators were told last; null: nothing, or nothing that still counts.</summary>
    public HealthState? Told { get; set; }
}
