namespace CozeCluster.Grains.Testing;

/// <summary>For tests of fleets that are imported as messages: nothing is read or written as text, and every fleet is valid.</summary>
public sealed class NoDocuments : IFleetDocuments
{
    public Fleet ReadItem(FleetEdit edit, Fleet stored) => throw new NotSupportedException();

    public Fleet Read(string text, Fleet stored) => throw new NotSupportedException();

    public string? WriteItem(FleetItemId id, Fleet fleet) => throw new NotSupportedException();

    public string Write(Fleet fleet, bool withSecrets) => throw new NotSupportedException();

    public void Check(Fleet fleet, FleetItemId? changed)
    {
    }
}
