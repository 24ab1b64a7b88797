/// A batch of a source on its way into the open transaction: transforms, converters, topics.
extension SourceRunner {
    func process(_ batch: inout RecordBatch, _ run: inout Run) throws {
        handle.metrics.recordsIn.add(batch.count)
        handle.metrics.batches.add()
        do {
            if !run.plugins.transforms.isEmpty { try run.plugins.transforms.apply(to: &batch) }
            let now = parts.clock.wallMilliseconds()
            let entries = batch.entries
            let portions = RecordWriting.portions(entries, now: now)
            let helper = entries.count >= RecordWriting.fewest ? run.helper : nil
            helper?.offer(portions)
            // Given back when all is written: who allocates frees, or the two threads wait for each other in the allocator.
            defer { helper?.clear() }
            for (index, portion) in portions.enumerated() {
                try add(helper?.collect(index) ?? portion.write(run.plugins.key, run.plugins.value), of: portion, &run)
            }
        } catch let failure as IntolerableFailure {
            report(run)
            throw failure.connectError
        }
        report(run)
        if let boundaries = run.boundaries {
            if let end = boundaries.afterBatch { try self.end(end, &run) }
            boundaries.forget()
        } else if run.boundary == .poll {
            try commit(&run)
        } else {
            try endInterval(&run)
        }
    }

    /// Adds a portion's records to their topics, in their order, and ends transactions where that is due.
    private func add(_ written: WrittenRecords, of portion: RecordWriting, _ run: inout Run) throws {
        // Many records are mostly of one topic and go as one.
        let bytes = written.upperBound
        if let topic = written.topic, run.boundaries == nil, run.routes.byteCount + bytes < min(run.splitBytes, run.transactionBytes),
            try run.routes.append(written.records, topic: topic)
        {
            return ledger.enter(portion.entries, portion.range)
        }
        for index in portion.range {
            if try !take(written, index - portion.range.lowerBound, portion.entries[index].record, &run) { try convert(portion.entries[index], portion.now, &run) }
            ledger.enter(portion.entries, index..<index + 1)
            if let boundaries = run.boundaries {
                if let end = boundaries.afterEntry[index] { try self.end(end, &run) }
            } else if run.routes.byteCount >= run.splitBytes, ledger.isCovered {
                try commit(&run)
            }
        }
    }

    /// Adds a record that is written to its topic's.
    /// - Returns: false for one that is not, or that begins a transaction.
    private func take(_ written: WrittenRecords, _ index: Int, _ record: Record, _ run: inout Run) throws -> Bool {
        let place = Int(written.places[index])
        if place < 0 || run.routes.byteCount + RecordSize(place, of: written.records).bytes > run.transactionBytes { return false }
        do {
            try run.routes.append(place, of: written.records, topic: record.topic, partition: record.partition)
            return true
        } catch let error as ConnectError where error.kind == .data {
            // Met again, where the error policy applies.
            return false
        }
    }

    /// Converts an entry and adds its bytes to its topic's; one that fails is noted with the policy's other failures.
    private func convert(_ entry: RecordBatch.Entry, _ now: Int64, _ run: inout Run) throws {
        switch entry.outcome {
        case .live: break
        case .filtered:
            handle.metrics.recordsFiltered.add()
            return
        case .failed:
            handle.metrics.recordsSkipped.add()
            return
        }
        run.headers.removeAll(keepingCapacity: true)
        if !entry.record.headers.isEmpty, try !convertHeaders(entry, &run) { return }
        run.keyBytes.removeAll()
        let hasKey: Bool?
        do {
            hasKey = try run.plugins.key.serialize(
                topic: entry.record.topic, headers: &run.headers, schema: entry.record.keySchema, value: entry.record.key, into: &run.keyBytes)
        } catch {
            hasKey = try again(.keyConverter, run.plugins.keyClass, run.plugins.key, error, entry, &run) { ($0.keySchema, $0.key) }
            if hasKey == nil { return }
        }
        run.valueBytes.removeAll()
        let hasValue: Bool?
        do {
            hasValue = try run.plugins.value.serialize(
                topic: entry.record.topic, headers: &run.headers, schema: entry.record.valueSchema, value: entry.record.value, into: &run.valueBytes)
        } catch {
            hasValue = try again(.valueConverter, run.plugins.valueClass, run.plugins.value, error, entry, &run) { ($0.valueSchema, $0.value) }
            if hasValue == nil { return }
        }
        do {
            let size = RecordSize(key: run.keyBytes.count, value: run.valueBytes.count, headers: run.headers)
            if run.routes.byteCount + size.bytes > run.transactionBytes { try makeRoom(for: size, entry.record.topic, hasKey ?? false, &run) }
            try run.routes.append(
                topic: entry.record.topic, partition: entry.record.partition, timestamp: entry.record.timestamp ?? now,
                key: run.keyBytes, hasKey: hasKey ?? false, value: run.valueBytes, hasValue: hasValue ?? false, headers: run.headers)
        } catch let error as ConnectError where error.kind == .data {
            // The record is at fault; whatever the log itself throws concerns the task.
            var entry = entry
            _ = try run.retry.run(.kafkaProduce, "TopicLog", &entry, firstError: error) { _ in throw error }
        }
    }

    /// Ends the open transaction before a record that does not fit into it any more, where that tears nothing apart.
    /// - Throws: ``ConnectError`` of kind `.data` for a record that fits into none; `.fatal` for several that fit into none together: no record is at fault.
    private func makeRoom(for size: RecordSize, _ topic: Name, _ hasKey: Bool, _ run: inout Run) throws {
        let key = hasKey ? run.keyBytes.withUnsafeBytes { RecordSize.shown($0) } : nil
        if size.bytes > run.transactionBytes { throw size.tooLarge(topic: topic, key: key, limit: run.transactionBytes) }
        if run.boundaries == nil, ledger.isCovered { return try commit(&run) }
        throw RecordSize.groupTooLarge(
            topic: topic, key: key, records: run.routes.recordCount + 1, bytes: run.routes.byteCount + size.bytes, limit: run.transactionBytes,
            isConnectors: run.boundaries != nil)
    }

    private func again(
        _ stage: Stage, _ className: String, _ converter: any Converter, _ error: any Error, _ entry: RecordBatch.Entry, _ run: inout Run,
        _ part: (Record) -> (Schema?, Value)
    ) throws -> Bool? {
        let before = run.headers.count
        var entry = entry
        return try run.retry.run(stage, className, &entry, firstError: error) { record in
            if run.headers.count > before { run.headers.removeLast(run.headers.count - before) }
            let (schema, value) = part(record)
            if stage == .keyConverter {
                run.keyBytes.removeAll()
                return try converter.serialize(topic: record.topic, headers: &run.headers, schema: schema, value: value, into: &run.keyBytes)
            }
            run.valueBytes.removeAll()
            return try converter.serialize(topic: record.topic, headers: &run.headers, schema: schema, value: value, into: &run.valueBytes)
        }
    }

    private func convertHeaders(_ entry: RecordBatch.Entry, _ run: inout Run) throws -> Bool {
        var entry = entry
        let done: Void? = try run.retry.run(.headerConverter, run.plugins.headerClass, &entry) { record in
            run.headers.removeAll(keepingCapacity: true)
            for header in record.headers {
                var headerBytes = ByteBuffer()
                var none: [RawHeader] = []
                let hasValue = try run.plugins.header.serialize(
                    topic: record.topic, headers: &none, schema: header.schema, value: header.value, into: &headerBytes)
                run.headers.append(RawHeader(header.name, hasValue ? ByteSlice(headerBytes.bytes) : nil))
            }
        }
        return done != nil
    }

    private func report(_ run: Run) {
        guard run.retry.hasFailures else { return }
        for (entry, failure) in run.retry.takeFailures() {
            ErrorLog.write(failure, entry, connector: handle.specification.connector, task: handle.specification.task, isSink: false, policy: run.plugins.policy, to: logger)
        }
    }
}
