namespace CozeCluster.Grains;

/// <summary>
/// The names that new things may have. A name with dot segments cannot be in the path of a request. What is stored, or in a fleet file, with such a name stays
/// as it is, and can be read, changed and deleted.
/// </summary>
internal static class FleetNames
{
    /// <summary>Refuses names with dot segments that a change introduces.</summary>
    /// <param name="known">The version before.</param>
    /// <param name="made">The things that are new.</param>
    /// <param name="content">The content of the change, for its aliases.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, with the field at fault.</exception>
    public static void Check(FleetContent known, IEnumerable<FleetItemId> made, Fleet content)
    {
        foreach (var item in made.Where(item => DotSegments.AreIn(item.NameOrId())))
        {
            var field = item.Kind == FleetItemKind.Key ? "name" : "id";
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{field}' of the {item}: it {DotSegments.Refusal}.", field);
        }
        foreach (var tenant in content.Tenants)
        {
            var before = known.Index.FindTenant(tenant.Id)?.Aliases ?? [];
            if (tenant.Aliases.FirstOrDefault(alias => DotSegments.AreIn(alias.Name) && before.All(other => other.Name != alias.Name)) is { } refused)
                throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid alias '{refused.Name}': it {DotSegments.Refusal}.", "aliases");
        }
    }
}
