namespace CozeCluster;

/// <summary>The receiving end of a reply feed: a bounded queue.</summary>
public interface IReplyInbox
{
    /// <summary>
    /// Queues a batch. Never blocks, never awaits and never runs the reader's code inline: the caller may be a grain, or Orleans' message loop, and a process does not stop
    /// before this has returned. Called for one batch at a time, in order. A batch that was posted twice may arrive twice; its cursors show that.
    /// </summary>
    ReplyAck TryPost(ReplyBatch batch);
}
