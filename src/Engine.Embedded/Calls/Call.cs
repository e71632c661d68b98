namespace CozeCluster.Engine.Embedded;

/// <summary>Something an activation does in its turn.</summary>
internal abstract class Call
{
    /// <summary>Its place among the calls its activation has begun.</summary>
    public long Sequence { get; set; }

    /// <summary>Who runs it; known once it begins.</summary>
    public Activation Activation { get; set; } = null!;

    /// <summary>Whether it may run while others await.</summary>
    public abstract bool Interleaves { get; }

    /// <summary>Runs on the grain's scheduler and ends with <see cref="Activation.End"/>, sooner or later.</summary>
    public abstract void Start();

    /// <summary>It will not run: tells whoever waits.</summary>
    public abstract void Fail(Exception error);

    /// <summary>It has to wait for its turn. Called under the activation's lock.</summary>
    public virtual void Queued()
    {
    }
}
