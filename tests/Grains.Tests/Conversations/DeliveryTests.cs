using CozeCluster.Grains.Tests.Runtime;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>The end of a subscription that nobody asked for is logged, with its cause.</summary>
public sealed class DeliveryTests : IDisposable
{
    private const int Unreachable = 1113;
    private const int Failed = 1114;
    private const string TurnId = "turn_1";

    private readonly ManualTime _time = new();
    private readonly CapturedLog _log = new();
    private readonly LiveTurn _turn;

    public DeliveryTests()
    {
        var row = new TurnRow
        {
            Id = 1, Version = 0, TurnId = TurnId, TenantId = "t", Model = "m", Status = TurnStatus.Running, CreatedAt = _time.GetUtcNow(), Details = [],
        };
        _turn = new LiveTurn(new TurnProgress { Row = row }, new ReplyLog(), _time);
        var part = _turn.Log.Open("answer", TextKind.Answer);
        _turn.Log.Append(part, "Hello");
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Defect_InADelivery_IsLoggedAsAnError()
    {
        var target = new Target(() => throw new InvalidOperationException("A defect."));
        Subscribe(target);

        Assert.Equal("A defect.", Assert.Single(_log.Of(Failed, TurnId)).Exception!.Message);
        _turn.Publish();
        Assert.Equal(1, target.Posts);
    }

    [Fact]
    public void Process_ThatDoesNotAnswer_IsNoDefect()
    {
        Subscribe(new Target(() => throw new ClusterException(ErrorCode.CallRejected, "No answer.")));

        Assert.Single(_log.Of(Unreachable, TurnId));
        Assert.Empty(_log.Of(Failed, TurnId));
    }

    [Fact]
    public void Subscriber_ThatIsGone_IsNotLogged()
    {
        Subscribe(new Target(() => ReplyAck.Gone));
        Assert.Empty(_log.Of(Unreachable, TurnId).Concat(_log.Of(Failed, TurnId)));
    }

    private void Subscribe(Target target) =>
        _turn.Subscribe(new Subscription("sub", Cursor.Start, null!), target, _log.CreateLogger("CozeCluster.Grains.ConversationGrain"));

    private sealed class Target(Func<ReplyAck> answer) : IReplyTarget
    {
        public int Posts { get; private set; }

        public ValueTask<ReplyAck> Post(ReplyBatch batch)
        {
            Posts++;
            return new(answer());
        }
    }
}
