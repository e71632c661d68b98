using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>The audit log in both databases.</summary>
public abstract class AuditLogTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    private IAuditLog Audit => Silo.Services.GetRequiredService<IAuditLog>();

    [Fact]
    public async Task Append_Entry_IsFoundAsItWas()
    {
        var entry = NewEntry() with { Fields = ["limits.daily", "models"], Note = "为 the reason", RequestId = "req_1" };
        var refused = NewEntry(AuditEntry.NewId(Now.AddMinutes(1)), null) with { TenantId = Tenant, Outcome = "permission_denied" };

        await Audit.Append(entry);
        await Audit.Append(refused);

        var found = await Audit.Search(new AuditQuery { TenantId = Tenant }, Cancel);
        AssertSame(refused, found[0]);
        AssertSame(entry, found[1]);
        Assert.Equal(2, found.Count);
    }

    [Fact]
    public async Task Append_SameEntryAgain_KeepsTheFirst()
    {
        var entry = NewEntry();
        await Audit.Append(entry);
        await Audit.Complete(entry.Id, AuditEntry.Done);

        await Audit.Append(entry with { Action = "other" });

        AssertSame(entry with { Outcome = "ok" }, await FindAsync(entry));
    }

    [Fact]
    public async Task Complete_EntryWithAnOutcome_KeepsIt()
    {
        var entry = NewEntry();
        await Audit.Append(entry);
        Assert.Equal("unknown", (await FindAsync(entry)).Outcome);

        await Audit.Complete(entry.Id, "conflict");
        await Audit.Complete(entry.Id, AuditEntry.Done);

        Assert.Equal("conflict", (await FindAsync(entry)).Outcome);
    }

    [Fact]
    public async Task Search_EveryTerm_FindsOnlyWhatMatches()
    {
        var entry = NewEntry();
        await Audit.Append(entry);
        var match = new AuditQuery
        {
            TenantId = Tenant, KeyName = "ops", Action = "cancelTurn", Kind = "turn", ItemId = "turn-1", Outcome = "unknown",
            From = entry.At, Until = entry.At.AddMilliseconds(1),
        };

        Assert.Single(await Audit.Search(match, Cancel));
        AuditQuery[] others =
        [
            match with { TenantId = "x" }, match with { KeyName = "x" }, match with { Action = "x" }, match with { Kind = "x" }, match with { ItemId = "x" },
            match with { Outcome = "x" }, match with { From = entry.At.AddMilliseconds(1) }, match with { Until = entry.At }, match with { Before = entry.Id },
        ];
        foreach (var other in others) Assert.Empty(await Audit.Search(other, Cancel));
    }

    [Fact]
    public async Task Search_Pages_HaveEveryEntryOnce()
    {
        var ids = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            var entry = NewEntry();
            ids.Add(entry.Id);
            await Audit.Append(entry);
        }

        var (found, before) = (new List<string>(), (string?)null);
        do
        {
            var page = await Audit.Search(new AuditQuery { TenantId = Tenant, Before = before, Limit = 3 }, Cancel);
            found.AddRange(page.Select(entry => entry.Id));
            before = page.Count == 3 ? page[^1].Id : null;
        }
        while (before is not null);

        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), found);
    }

    [Fact]
    public async Task Delete_TooManyEntries_BeginsWithThoseOfTenants()
    {
        var old = NewEntry(AuditEntry.NewId(Now.AddYears(-9)));
        var kept = NewEntry(AuditEntry.NewId(Now.AddYears(-7)));
        var byTenantAdmin = NewEntry(AuditEntry.NewId(Now.AddYears(-5)), AdminRole.TenantAdmin);
        var byTenant = NewEntry(AuditEntry.NewId(Now.AddYears(-4)), null);
        foreach (var entry in (AuditEntry[])[old, kept, byTenantAdmin, byTenant]) await Audit.Append(entry);

        // Other tests of this class add entries of operators meanwhile, which are younger.
        var deleted = await Expiring.DeleteOldAuditAsync(Now.AddYears(-8), max: 0, limit: 3, Cancel);

        Assert.Equal(3, deleted);
        Assert.Equal(kept.Id, Assert.Single(await Audit.Search(new AuditQuery { TenantId = Tenant }, Cancel)).Id);
        Assert.Equal(0, await Expiring.DeleteOldAuditAsync(Now.AddYears(-8), max: int.MaxValue, limit: 3, Cancel));
    }

    private async Task<AuditEntry> FindAsync(AuditEntry entry) =>
        Assert.Single(await Audit.Search(new AuditQuery { TenantId = Tenant }, Cancel), found => found.Id == entry.Id);

    private AuditEntry NewEntry(string? id = null, AdminRole? role = AdminRole.Owner) =>
        new(id ?? AuditEntry.NewId(Now), new AuditActor("operators", "ops", role, "::1"), "cancelTurn", "turn", "turn-1")
        {
            TenantId = Tenant, Outcome = AuditEntry.UnknownOutcome, RequestId = "req_0",
        };

    private static void AssertSame(AuditEntry expected, AuditEntry actual)
    {
        Assert.Equal(expected.Fields, actual.Fields);
        Assert.Equal(expected with { Fields = [] }, actual with { Fields = [] });
    }
}
