namespace CozeCluster.Silo.Tests.Documents;

/// <summary>Who may let the prompts and replies of a tenant be exported with traces.</summary>
public sealed class ContentRightsTests : IAsyncLifetime
{
    private const string File = """
        tenants: [{ id: t, keys: [{ name: app, key: first-random-key-91f2 }] }]
        accounts: [{ id: a, upstream: coze, token: file-token }]
        bots: [{ id: b, upstream: coze, bot_id: "1", accounts: [a] }]
        models: [{ id: m, bots: [b] }]
        """;

    private ManagedFleet _fleet = null!;

    public async ValueTask InitializeAsync() => _fleet = await ManagedFleet.Start();

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Change_ThatSwitchesItOn_IsForOwnersOnly()
    {
        await _fleet.Import(File);
        const string On = """{"telemetry_content": true}""";
        await _fleet.Put(FleetItemKind.Tenant, "other", "{}");

        await Refused(ErrorCode.PermissionDenied, () => _fleet.Patch(FleetItemKind.Tenant, "other", On));
        await Refused(ErrorCode.PermissionDenied, () => _fleet.Put(FleetItemKind.Tenant, "other", On));
        var refused = await Refused(ErrorCode.PermissionDenied, () => _fleet.Put(FleetItemKind.Tenant, "new", On));
        Assert.Equal("telemetry_content", refused.Param);
        Assert.False(_fleet.Silo.Fleet.FindTenant("other")!.TelemetryContent);

        await _fleet.Edit(FleetEditAction.Patch, FleetItemKind.Tenant, "other", edit => edit with { Json = On, IsByOwner = true });
        Assert.True(_fleet.Silo.Fleet.FindTenant("other")!.TelemetryContent);

        // Operators change everything else of such a tenant, and may switch it off.
        await _fleet.Patch(FleetItemKind.Tenant, "other", """{"max_concurrent_turns": 3}""");
        Assert.True(_fleet.Silo.Fleet.FindTenant("other")!.TelemetryContent);
        await _fleet.Patch(FleetItemKind.Tenant, "other", """{"telemetry_content": null}""");
        Assert.False(_fleet.Silo.Fleet.FindTenant("other")!.TelemetryContent);
        await Refused(ErrorCode.PermissionDenied, () => _fleet.Patch(FleetItemKind.Tenant, "other", On));
    }

    [Fact]
    public async Task Delete_ThatBringsItBack_IsForOwnersOnly()
    {
        await _fleet.Import(File.Replace("id: t,", "id: t, telemetry_content: true,", StringComparison.Ordinal));
        Assert.True(_fleet.Silo.Fleet.FindTenant("t")!.TelemetryContent);
        await _fleet.Release(FleetItemKind.Tenant, "t");
        await _fleet.Patch(FleetItemKind.Tenant, "t", """{"telemetry_content": false}""");

        await Refused(ErrorCode.PermissionDenied, () => _fleet.Delete(FleetItemKind.Tenant, "t"));
        Assert.False(_fleet.Silo.Fleet.FindTenant("t")!.TelemetryContent);

        await _fleet.Edit(FleetEditAction.Delete, FleetItemKind.Tenant, "t", edit => edit with { IsByOwner = true });
        Assert.True(_fleet.Silo.Fleet.FindTenant("t")!.TelemetryContent);
    }

    private static async Task<ClusterException> Refused(ErrorCode code, Func<Task> change)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(change);
        Assert.Equal(code, refused.Code);
        return refused;
    }
}
