using System.Diagnostics;
using System.Diagnostics.Metrics;
using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Telemetry;

/// <summary>When prompts and replies are added to the spans of attempts.</summary>
public sealed class ContentExportTests : GrainTest
{
    private const string Open = "open";

    private readonly MeterListener _collector = new();
    private readonly ManualTime _time = new();

    /// <summary>Names for generative AI are recorded while somebody collects them.</summary>
    public ContentExportTests()
    {
        _collector.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == Tracing.GenAiName) listener.EnableMeasurementEvents(instrument);
        };
        _collector.Start();
    }

    private ContentExport Content => new(Silo.Fleet, new PlainSecrets());

    [Fact]
    public void TenantWantsIt_PromptAndReplyAreAttributes()
    {
        using var span = Span();
        var turn = Ended(Open);

        Content.Describe(span, turn);

        Assert.Equal("""[{"role":"user","parts":[{"type":"text","content":"What?"}]}]""", span.GetTagItem("gen_ai.input.messages"));
        Assert.Equal(
            """[{"role":"assistant","parts":[{"type":"text","content":"That."}],"finish_reason":"stop"}]""", span.GetTagItem("gen_ai.output.messages"));
    }

    [Fact]
    public void NobodyWantsIt_NothingIsAllocated()
    {
        using var span = Span();
        using var notRecorded = Span();
        notRecorded.IsAllDataRequested = false;
        var (off, on, content) = (Ended(Tenant), Ended(Open), Content);
        // The first calls compile.
        AllocatedBy(() => content.Describe(span, off));

        Assert.Equal(0, AllocatedBy(() => content.Begin(off)));
        Assert.Equal(0, AllocatedBy(() => content.Describe(span, off)));
        Assert.Equal(0, AllocatedBy(() => content.Describe(notRecorded, on)));
        Assert.Equal(0, AllocatedBy(() => content.Describe(null, on)));
        Assert.Empty(span.TagObjects);
        Assert.Empty(notRecorded.TagObjects);
    }

    [Fact]
    public async Task SwitchedOnWhileATurnRuns_AppliesToTheNextTurn()
    {
        using var span = Span();
        var running = Ended(Tenant);

        await Switch(Tenant, isOn: true);
        Content.Describe(span, running);
        Assert.Empty(span.TagObjects);

        Content.Describe(span, Ended(Tenant));
        Assert.NotEmpty(span.TagObjects);
    }

    [Fact]
    public async Task SwitchedOffWhileATurnRuns_AppliesToItToo()
    {
        using var span = Span();
        var running = Ended(Open);

        await Switch(Open, isOn: false);
        Content.Describe(span, running);

        Assert.Empty(span.TagObjects);
    }

    [Fact]
    public void NothingWasSent_OnlyTheReplyIsAnAttribute()
    {
        using var span = Span();
        var turn = Ended(Open);
        turn.PendingRelease = null;

        Content.Describe(span, turn);

        Assert.Equal(["gen_ai.output.messages"], span.TagObjects.Select(tag => tag.Key));
    }

    protected override Fleet CreateFleet() => Of(isTenantOn: false, isOpenOn: true);

    private static Fleet Of(bool isTenantOn, bool isOpenOn)
    {
        var fleet = SmallFleet();
        return fleet with
        {
            Version = $"{isTenantOn} {isOpenOn}",
            Tenants =
            [
                .. fleet.Tenants.Select(tenant => tenant.Id == Tenant ? tenant with { TelemetryContent = isTenantOn } : tenant),
                new TenantDefinition { Id = Open, TelemetryContent = isOpenOn },
            ],
        };
    }

    private async Task Switch(string tenant, bool isOn)
    {
        await Catalog.Import(tenant == Open ? Of(isTenantOn: false, isOn) : Of(isOn, isOpenOn: true));
        await Silo.Fleet.Refresh();
    }

    private static Activity Span() => new Activity("attempt").Start();

    private static long AllocatedBy(Action action)
    {
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>A turn that has begun under the fleet as it is, and was answered.</summary>
    private LiveTurn Ended(string tenant)
    {
        var row = new TurnRow
        {
            Id = 1, Version = 0, TurnId = "turn", TenantId = tenant, Model = "m", Status = TurnStatus.Running, CreatedAt = _time.GetUtcNow(), IsHistory = false,
            Details = [],
        };
        var turn = new LiveTurn(new TurnProgress { Row = row }, new ReplyLog(), _time);
        Content.Begin(turn);
        turn.PendingRelease = (Upstream, GenAiMessagesTests.Turn(new ChatMessage(ChatRole.User, [new TextContent("What?")])));
        turn.Log.Append(turn.Log.Open("m", TextKind.Answer), "That.");
        turn.Log.Complete(FinishReason.Stop);
        return turn;
    }
}
