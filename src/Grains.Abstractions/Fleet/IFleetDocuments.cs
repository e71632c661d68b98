namespace CozeCluster;

/// <summary>
/// Reads and writes things of the fleet as text, in the form of the fleet file. It opens and seals secrets, so only nodes that host silos have it. Thread-safe.
/// </summary>
public interface IFleetDocuments
{
    /// <summary>What is written in the place of a secret. Where it is read, the stored secret is kept.</summary>
    const string StoredSecret = "(secret)";

    /// <summary>Reads one thing from JSON. References to other things are not checked.</summary>
    /// <param name="edit">A <see cref="FleetEditAction.Put"/> or <see cref="FleetEditAction.Patch"/>.</param>
    /// <param name="stored">A fleet that has at most this thing, as it is stored.</param>
    /// <returns>A fleet that has only this thing. A key is in a tenant that has nothing else.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, with the field at fault.</exception>
    Fleet ReadItem(FleetEdit edit, Fleet stored);

    /// <summary>Reads a whole fleet from YAML or JSON. References are not checked.</summary>
    /// <param name="text">The document.</param>
    /// <param name="stored">The fleet in force, for secrets that the document does not contain.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, with the field at fault.</exception>
    Fleet Read(string text, Fleet stored);

    /// <summary>Writes one thing as JSON, without its secrets.</summary>
    /// <param name="id">The thing.</param>
    /// <param name="fleet">A fleet.</param>
    /// <returns>Null if the fleet does not have it.</returns>
    string? WriteItem(FleetItemId id, Fleet fleet);

    /// <summary>Writes a whole fleet as a fleet file, in JSON, which is YAML too.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="withSecrets">Whether secrets are opened and written.</param>
    string Write(Fleet fleet, bool withSecrets);

    /// <summary>Checks a whole fleet as fleet files are checked: ids and secrets are unique, and references refer to something.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="changed">The thing whose change is checked: fields inside of it are named without its path. Null: another change.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, with the field at fault.</exception>
    void Check(Fleet fleet, FleetItemId? changed);
}
