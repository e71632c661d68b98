namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Creates the events of a reply.</summary>
public static class Reply
{
    public static ReplyText Text(string text, int part = 0, int offset = 0, int answer = 0) => new(part, offset, answer, text.AsMemory());

    public static ReplyReasoning Reasoning(string text, int part = 0, int offset = 0) => new(part, offset, text.AsMemory());

    public static ReplyItemAdded Item(int part, ReplyItem item) => new(part, item);

    public static ReplyCompleted Stop(Usage? usage = null, FinishReason reason = FinishReason.Stop, ReplyOrigin? origin = null) => new(reason, usage, origin);

    public static ReplyFailed Failed(ErrorCode code, string message, DateTimeOffset? until = null) => new(new Error(code, message, Until: until), null);
}
